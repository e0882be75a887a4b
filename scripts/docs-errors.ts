import { EXIT, EXIT_MEANINGS, type ExitCode } from '../client/cli/exit.ts';
import type { FindingCode } from '../client/verify/findings.ts';
import { ERROR_CODES } from '../model/errors.ts';
import { code, madeFrom, markdownTable } from './docs-markdown.ts';

const FINDINGS: Record<FindingCode, string> = {
  TABLES_DISAGREE:
    'The tables of a batch are at different offsets: a batch landed in only some tables, which the next run completes, or a log was changed.',
  TOPIC_RESET:
    'The topic was deleted and recreated: its id differs, or the tables contain offsets that it does not have yet.',
  TOPIC_GONE: 'The topic that the tables were filled from does not exist.',
  MESSAGE_LOST: 'Retention deleted messages before they landed.',
  MESSAGE_NOT_LANDED: 'The tables are past the offset of a message that has no row.',
  MESSAGE_TWICE: 'A message has more than one row.',
  ROW_WITHOUT_MESSAGE: 'A row names a message that Kafka does not have.',
  ROW_PAST_LOG: 'A row names an offset that its table’s log does not count as landed.',
  TABLE_REWRITTEN:
    'Another program removed rows of `runs` or `replays`, which cannot be restored from other data.',
  FILE_UNREADABLE: 'A live file is missing, or cannot be read.',
  FILE_LENGTH: 'The length of a live file differs from the log.',
  FILE_CHECKSUM: 'The checksum of a live file differs from the log.',
  FILE_ROWS: 'The row count of a live file differs from the log.',
  DELIVERY_WITHOUT_ATTEMPT: 'A row of `deliveries` has none in `attempts`.',
  ATTEMPT_WITHOUT_DELIVERY: 'A row of `attempts` has none in `deliveries`.',
  ATTEMPT_TWICE: 'A message has more than one row in `attempts`.',
  QUESTION_WITHOUT_ATTEMPT: 'A row of `questions` has none in `attempts`.',
  OPTION_WITHOUT_QUESTION: 'A row of `options` has none in `questions`.',
  QUESTION_COUNT: 'The questions of an attempt differ from its payload.',
  OPTION_COUNT: 'The options of a question differ from its count, or those of an attempt from its payload.',
  REPLAY_WITHOUT_ORIGINAL: 'A row of `replays` has none in `quarantine`.',
  REPLAY_MARKED_TWICE: 'A row of `quarantine` has more than one in `replays`.',
  REPLAY_UNLIKE: 'The message at the offset that `replays` names is not the replayed record.',
  REPLAYED_TWICE:
    'A row of `quarantine` was replayed more than once, by the table `replays`, the marker in Kafka, or a message with its `replay-of` header and the same bytes.',
};

/** Errors of the workflow itself. */
export const OF_RUNS: readonly (readonly [string, string])[] = [
  ['REQUEST_INVALID', 'The input of the run is not a valid request. The message shows an example.'],
  ['ABORTED', 'The run was aborted by a decision. Landed batches stay; another run lands the rest.'],
  [
    'UNDECIDED',
    'A scheduled run waited for a decision until its timeout. Start another when the cause is gone.',
  ],
  ['UNEXPECTED', 'A step failed with an error without a code: see the worker’s log.'],
  ['NOT_WAITING', 'Response to `retry`, `skip` or `abort`: the run does not wait for a decision.'],
  [
    'DECISION_INVALID',
    'Response to `retry`, `skip` or `abort`: the input is neither empty nor an object with `by` and `reason`.',
  ],
  ['NOT_SKIPPABLE', 'Response to `skip`: the failed step cannot be skipped.'],
];

/** Returns the page of errors, findings and exit codes. */
export function errorsPage(): string {
  return [
    madeFrom('model/errors.ts, client/cli/exit.ts and client/verify/findings.ts'),
    '# Errors',
    'An error names what failed and where: the source, the topic with partition and offset, or the path. It never contains a payload or a secret. The command line prints its code, its message and its advice.',
    'In a run, a _passing_ (transient) error is retried for about four minutes (`workflows/activity-proxies.ts`); after that, and at once after a _lasting_ (permanent) one, the run waits for a decision: `retry`, `skip` or `abort`. A few errors the run handles by itself; their advice says so. The command line does not retry: there, a passing error may succeed later.',
    markdownTable(
      ['Code', 'Kind', 'What to do'],
      Object.entries(ERROR_CODES).map(([name, { retry, advice }]) => [code(name), retry, advice]),
    ),
    '## Failures of a run itself',
    'The Temporal UI shows these.',
    markdownTable(
      ['Code', 'What it means'],
      OF_RUNS.map(([name, meaning]) => [code(name), meaning]),
    ),
    '## What verify finds',
    '`npx pipeline verify` reports each inconsistency by one of these codes, with the topic and partition, the table or the file. Anything that is no fault of the tables, such as a file that no log entry names, is printed as a note.',
    markdownTable(
      ['Finding', 'What it means'],
      Object.entries(FINDINGS).map(([name, meaning]) => [code(name), meaning]),
    ),
    '## Exit codes',
    'Of `npx pipeline`:',
    markdownTable(['Code', 'What it means'], exitRows()),
    'With `--json`, an error is the last line of standard error, as JSON: its `code`, its `message` and its `advice`. An error without a code, such as a bug, has null for the first and the last. Standard output then contains only the requested output.',
  ].join('\n\n');
}

function exitRows(): [string, string][] {
  return (Object.entries(EXIT) as [keyof typeof EXIT, ExitCode][]).map(([name, status]) => [
    String(status),
    EXIT_MEANINGS[name],
  ]);
}
