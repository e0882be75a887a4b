import { EXIT, EXIT_MEANINGS, type ExitCode } from '../client/cli/exit.ts';
import type { FindingCode } from '../client/verify/findings.ts';
import { ERROR_CODES } from '../model/error-codes.ts';
import { code, madeFrom, markdownTable } from './docs-markdown.ts';

const FINDINGS: Record<FindingCode, string> = {
  TABLES_DISAGREE:
    'The tables of a batch are at different offsets: a batch landed partially or a table was restored, and the next run completes it; or a log was changed.',
  TOPIC_RESET:
    'The topic was deleted and recreated: its id differs, or the tables have offsets that it does not have yet.',
  TOPIC_GONE: 'The topic that the tables were filled from does not exist.',
  MESSAGE_LOST: 'Retention deleted messages before they landed.',
  MESSAGE_NOT_LANDED: 'The tables’ positions are past a message that has no row.',
  MESSAGE_TWICE: 'A message has more than one row.',
  ROW_WITHOUT_MESSAGE: 'A row names a message that Kafka does not have.',
  ROW_PAST_LOG: 'A row has an offset past its table’s position in the log.',
  TABLE_REWRITTEN:
    'Another program removed or doubled rows of `runs` or `replays`, which are compared with nothing else.',
  FILE_UNREADABLE: 'A live file is missing, or cannot be read.',
  FILE_LENGTH: 'A live file is longer or shorter than the log says.',
  FILE_CHECKSUM: 'A live file’s bytes differ from the checksum in the log.',
  FILE_ROWS: 'A live file has more or fewer rows than the log says.',
  DELIVERY_WITHOUT_RECORD:
    'A row of `deliveries` has none in the table of its contract’s records, as `attempts`.',
  RECORD_WITHOUT_DELIVERY: 'A row of a table of records, as `attempts`, has none in `deliveries`.',
  RECORD_TWICE: 'A message has more than one row in the table of its contract’s records.',
  CHILD_WITHOUT_PARENT:
    'A row of a table of items, as `questions`, has no row of the record or item that encloses it.',
  CHILD_COUNT:
    'The items of a record differ from its payload, or from the column that counts them, as `option_count`; or they are not numbered from 0.',
  ROW_BEFORE_TABLE:
    'A table that was added to the warehouse has rows of messages before the offset from which its log says that it has rows.',
  REPLAY_WITHOUT_ORIGINAL: 'A row of `replays` has none in `quarantine`.',
  REPLAY_MARKED_TWICE: 'A row of `quarantine` has more than one in `replays`.',
  REPLAY_UNLIKE:
    'At the offset where `replays` says that a message was republished, there is a different one.',
  REPLAYED_TWICE:
    'A row of `quarantine` was republished more than once: by the table `replays`, by the marker in Kafka, or by a message whose header names it and whose record is identical.',
};

/** Failures and refusals that the workflow itself raises. */
export const OF_RUNS: readonly (readonly [string, string])[] = [
  ['REQUEST_INVALID', 'The input of the run is not a valid request. The message shows a valid one.'],
  ['ABORTED', 'A person ended the run. What it landed stays; another run lands the rest.'],
  [
    'UNDECIDED',
    'A scheduled run waited for a decision until its timeout. Start another when the cause is fixed.',
  ],
  ['UNEXPECTED', 'A step failed with an error that has no code: see the worker’s log.'],
  ['NOT_WAITING', 'Response to `retry`, `skip` or `abort`: the run is not waiting.'],
  [
    'DECISION_INVALID',
    'Response to `retry`, `skip` or `abort`: its argument is neither empty nor an object with `by` and `reason`.',
  ],
  ['NOT_SKIPPABLE', 'Response to `skip`: the failed step cannot be skipped.'],
];

/** The page of errors, findings and exit codes. */
export function errorsPage(): string {
  return [
    madeFrom('model/error-codes.ts, client/cli/exit.ts and client/verify/findings.ts'),
    '# Errors',
    'An error names what failed and where: the source, the topic with partition and offset, or the path. It never contains a payload or a secret. The command line prints its code, its message and what to do.',
    'In a run, a _transient_ error is retried for about four minutes (`workflows/activity-proxies.ts`). After that, and immediately after a _permanent_ error, the run waits for a decision: `retry`, `skip` or `abort`. A few are handled by the run itself, as their advice says. The command line does not retry: there, _transient_ means that a later attempt can succeed.',
    markdownTable(
      ['Code', 'Kind', 'What to do'],
      Object.entries(ERROR_CODES).map(([name, { retry, advice }]) => [code(name), retry, advice]),
    ),
    '## Failures of a run itself',
    'Shown in the Temporal UI.',
    markdownTable(
      ['Code', 'Meaning'],
      OF_RUNS.map(([name, meaning]) => [code(name), meaning]),
    ),
    '## What verify finds',
    '`npx pipeline verify` reports each inconsistency by one of these codes, with the topic and partition, the table or the file. Anything that is not a fault of the tables, such as a file that no log entry names, is printed as a note. Where a command repairs it, the finding ends with that command.',
    markdownTable(
      ['Finding', 'Meaning'],
      Object.entries(FINDINGS).map(([name, meaning]) => [code(name), meaning]),
    ),
    '## Exit codes',
    'Exit codes of `npx pipeline`:',
    markdownTable(['Code', 'Meaning'], exitRows()),
    'With `--json`, an error is the last line of standard error, as JSON: its `code`, its `message` and its `advice`. An error without a code, such as a bug, has null for the first and the last. Standard output then contains the result alone.',
  ].join('\n\n');
}

function exitRows(): [string, string][] {
  return (Object.entries(EXIT) as [keyof typeof EXIT, ExitCode][]).map(([name, status]) => [
    String(status),
    EXIT_MEANINGS[name],
  ]);
}
