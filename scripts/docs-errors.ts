import { EXIT, EXIT_MEANINGS, type ExitCode } from '../client/cli/exit.ts';
import type { FindingCode } from '../client/verify/findings.ts';
import { ERROR_CODES } from '../model/errors.ts';
import { code, madeFrom, markdownTable } from './docs-markdown.ts';

const FINDINGS: Record<FindingCode, string> = {
  TABLES_DISAGREE:
    'The tables that a batch fills stand at different offsets: a batch landed in part, which the next run completes, or a log was changed.',
  TOPIC_RESET:
    'The topic was deleted and made anew: its id is another, or the tables hold offsets that it does not have yet.',
  TOPIC_GONE: 'The topic that the tables were filled from is not there.',
  MESSAGE_LOST: 'Retention deleted messages before they landed.',
  MESSAGE_NOT_LANDED: 'The tables passed a message that has no row.',
  MESSAGE_TWICE: 'A message has more than one row.',
  ROW_WITHOUT_MESSAGE: 'A row names a message that Kafka does not have.',
  ROW_PAST_LOG: 'A row names an offset that its table’s log does not count as landed.',
  TABLE_REWRITTEN:
    'Another program removed rows of `runs` or `replays`, which nothing else is compared with, and they are missing.',
  FILE_UNREADABLE: 'A live file is not there, or cannot be read.',
  FILE_LENGTH: 'A live file is longer or shorter than the log says.',
  FILE_CHECKSUM: 'A live file has other bytes than the log says.',
  FILE_ROWS: 'A live file has more or fewer rows than the log says.',
  DELIVERY_WITHOUT_ATTEMPT: 'A row of `deliveries` has none in `attempts`.',
  ATTEMPT_WITHOUT_DELIVERY: 'A row of `attempts` has none in `deliveries`.',
  ATTEMPT_TWICE: 'A message has more than one row in `attempts`.',
  QUESTION_WITHOUT_ATTEMPT: 'A row of `questions` has none in `attempts`.',
  OPTION_WITHOUT_QUESTION: 'A row of `options` has none in `questions`.',
  QUESTION_COUNT: 'An attempt has other questions than its payload.',
  OPTION_COUNT: 'A question has other options than it says, or an attempt than its payload.',
  REPLAY_WITHOUT_ORIGINAL: 'A row of `replays` has none in `quarantine`.',
  REPLAY_MARKED_TWICE: 'A row of `quarantine` has more than one in `replays`.',
  REPLAY_UNLIKE: 'Where `replays` says that a message was published again, there is another one.',
  REPLAYED_TWICE:
    'A row of `quarantine` was published again more than once: the table `replays` or the marker in Kafka says so, or a message says so by its header and is the same record, byte for byte.',
};

/** What a run's workflow says itself. */
export const OF_RUNS: readonly (readonly [string, string])[] = [
  ['REQUEST_INVALID', 'What the run was started with is no request. The message shows how one looks.'],
  ['ABORTED', 'A person ended the run. What it landed stays; another run lands the rest.'],
  [
    'UNDECIDED',
    'A run that a schedule started waited for a person, and nobody decided in time. Start another when the cause is gone.',
  ],
  ['UNEXPECTED', 'What a run waits for failed with an error that has no name: see the worker’s log.'],
  ['NOT_WAITING', 'Answer to `retry`, `skip` or `abort`: the run does not wait for anyone.'],
  [
    'DECISION_INVALID',
    'Answer to `retry`, `skip` or `abort`: what came with it is neither empty nor an object with `by` and `reason`.',
  ],
  ['NOT_SKIPPABLE', 'Answer to `skip`: what the run waits for cannot be skipped.'],
];

/** The page of errors, findings and exit codes. */
export function errorsPage(): string {
  return [
    madeFrom('model/errors.ts, client/cli/exit.ts and client/verify/findings.ts'),
    '# Errors',
    'An error says what happened and to what: the source, the topic with partition and offset, or the path. It never holds a payload or a secret. The command line prints its code, its message and what to do.',
    'In a run, a _transient_ error is retried for about four minutes (`workflows/activity-proxies.ts`); after that, and immediately after a _permanent_ one, the run waits for a person, who sends `retry`, `skip` or `abort`. Some errors the run handles by itself; their advice says so. The command line retries nothing: there, transient means that running the command again later can help.',
    markdownTable(
      ['Code', 'Kind', 'What to do'],
      Object.entries(ERROR_CODES).map(([name, { retry, advice }]) => [code(name), retry, advice]),
    ),
    '## Failures of a run itself',
    'These stand in the Temporal UI.',
    markdownTable(
      ['Code', 'What it means'],
      OF_RUNS.map(([name, meaning]) => [code(name), meaning]),
    ),
    '## What verify finds',
    '`npx pipeline verify` names each thing that is off by one of these, with the topic and partition, the table or the file. What is no fault of the tables, as a file that no log entry names, is printed as a note.',
    markdownTable(
      ['Finding', 'What it means'],
      Object.entries(FINDINGS).map(([name, meaning]) => [code(name), meaning]),
    ),
    '## Exit codes',
    'Of `npx pipeline`:',
    markdownTable(['Code', 'What it means'], exitRows()),
    'With `--json`, an error is the last line of standard error, as JSON: its `code`, its `message` and its `advice`. What has no code, as a fault of the program, has null for the first and the last. Standard output then holds nothing but what was asked for.',
  ].join('\n\n');
}

function exitRows(): [string, string][] {
  return (Object.entries(EXIT) as [keyof typeof EXIT, ExitCode][]).map(([name, status]) => [
    String(status),
    EXIT_MEANINGS[name],
  ]);
}
