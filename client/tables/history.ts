import { Argument, Command } from 'commander';
import { formatCount, formatNumber } from '../../model/figures.ts';
import { readSettings } from '../../model/settings.ts';
import { TABLES } from '../../tables/index.ts';
import { wholeNumberParser } from '../cli/arguments.ts';
import { withExamples } from '../cli/help.ts';
import { formatTable, print, printError, printJson } from '../cli/output.ts';
import { openWarehouse } from '../cli/warehouse.ts';
import { readTableHistory, type Readability, type VersionState } from './table-history.ts';

interface HistoryOptions {
  readonly limit: number;
  readonly json?: boolean;
}

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 10_000;

const READABILITY: Readonly<Record<Readability, string>> = {
  readable: 'yes',
  'log-cleaned': 'no: the log was cleaned up',
  'files-gone': 'no: a data file is gone',
};

/** Creates `pipeline history TABLE`, which lists the versions of a table's log. */
export function historyCommand(): Command {
  const command = new Command('history')
    .description(
      'List the versions of a table, newest first: when, by which operation, engine and run, and what it added and ' +
        'removed. A version that can be read can be queried with: pipeline query --as-of.',
    )
    .addArgument(new Argument('<table>', 'the table').choices(TABLES.map((table) => table.name)))
    .option('--limit <n>', 'maximum number of versions', wholeNumberParser(1, MAX_LIMIT), DEFAULT_LIMIT)
    .option('--json', 'print a JSON array')
    .action(history);
  return withExamples(command, 'pipeline history attempts', [
    'pipeline history deliveries --limit 1000 --json',
    'for programs',
  ]);
}

async function history(name: string, { limit, json }: HistoryOptions): Promise<void> {
  const { versions, inLog } = await readTableHistory(openWarehouse(readSettings()), name, limit);
  if (json === true) {
    printJson(versions);
    return;
  }
  print(formatVersions(versions));
  if (versions.length < inLog)
    printError(
      `These are the newest ${formatCount(versions.length, 'version')} of ${formatNumber(inLog)}; --limit shows more.`,
    );
  const oldest = versions.at(-1)?.version ?? 0;
  if (versions.length === inLog && oldest > 0)
    printError(`The entries of the versions before ${oldest} were cleaned up.`);
}

function formatVersions(versions: readonly VersionState[]): string[] {
  return formatTable(
    ['version', 'time', 'operation', 'engine', 'run', 'files', 'rows', 'can be read'],
    versions.map((state) => [
      String(state.version),
      state.time,
      state.operation ?? '',
      state.engine ?? '',
      [state.workflowId, state.runId].filter((id) => id !== null).join(' '),
      formatChange(state.filesAdded, state.filesRemoved),
      formatChange(state.rowsAdded, state.rowsRemoved),
      READABILITY[state.status],
    ]),
  );
}

/** Formats what was added and removed, as `+3,280 -12`. */
function formatChange(added: number | null, removed: number | null): string {
  const write = (sign: string, count: number | null): string[] =>
    count === 0 ? [] : [`${sign}${count === null ? 'unknown' : formatNumber(count)}`];
  return [...write('+', added), ...write('-', removed)].join(' ');
}
