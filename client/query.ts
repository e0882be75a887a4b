import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { TableCache, cacheFolderOf } from '../adapters/table-cache.ts';
import { PipelineError, messageOf } from '../model/errors.ts';
import { readSettings } from '../model/settings.ts';
import { TABLES } from '../tables/index.ts';
import { VIEWS } from '../tables/views.ts';
import { fetchTables, snapshotsOf, tablesNamedIn, withTables } from './live-tables.ts';
import { formatBytes, printError } from './output.ts';
import { printJson, printTable } from './query-output.ts';
import { openWarehouse } from './warehouse.ts';

interface QueryOptions {
  readonly json?: boolean;
}

/** `pipeline query SQL`: answers a query over the tables. */
export function queryCommand(): Command {
  return new Command('query')
    .description('Query the tables, in the SQL of DuckDB. Files are fetched once, and kept on this machine.')
    .argument('<sql>', 'the query; - reads it from standard input')
    .option('--json', 'as a JSON array, an object a row, with every value whole')
    .addHelpText(
      'after',
      `\nTables: ${namesOf(TABLES)}\nViews:  ${namesOf(VIEWS)}\n\nExamples:\n` +
        '  pipeline query "SELECT exam_name, count(*) FROM attempts GROUP BY ALL ORDER BY 2 DESC LIMIT 10"\n' +
        '  pipeline query --json - < report.sql',
    )
    .action(query);
}

async function query(argument: string, options: QueryOptions): Promise<void> {
  const sql = argument === '-' ? await text(process.stdin) : argument;
  const { hdfs } = readSettings();
  const began = performance.now();
  const warehouse = openWarehouse(readSettings());
  const needed = [...tablesNamedIn(sql)];
  const cache = new TableCache(cacheFolderOf(hdfs.nameNodes, hdfs.warehouse), warehouse.options.hdfs);
  const cached = await fetchTables(cache, warehouse, await snapshotsOf(warehouse, needed));
  const ready = performance.now();
  const tables = TABLES.map((table) => ({ table, files: cached.get(table)?.files ?? null }));
  const rows = await withTables(tables, async (connection) => {
    try {
      const result = await connection.stream(sql);
      return await (options.json === true ? printJson(result) : printTable(result));
    } catch (cause) {
      throw asQueryError(cause);
    }
  });
  const fetches = [...cached.values()];
  const fetched = fetches.reduce((sum, one) => sum + one.fetched, 0);
  const bytes = fetches.reduce((sum, one) => sum + one.fetchedBytes, 0);
  const files = fetches.reduce((sum, one) => sum + one.files.length, 0);
  printError(
    `${rows} ${rows === 1 ? 'row' : 'rows'} in ${secondsOf(performance.now() - ready)}; ` +
      `${files} files, of which ${fetched} (${formatBytes(bytes)}) were fetched, in ${secondsOf(ready - began)}`,
  );
}

/** DuckDB's own words say best what is wrong with a query; it does not know which tables we mean, though. */
function asQueryError(cause: unknown): PipelineError {
  if (cause instanceof PipelineError) return cause;
  const said = messageOf(cause).replace(/^Failed to extract statements: /, '');
  const hint = said.startsWith('Catalog Error')
    ? `\n\nThe tables are ${namesOf(TABLES)}; the views ${namesOf(VIEWS)}.`
    : '';
  return new PipelineError('QUERY_INVALID', `${said}${hint}`);
}

function namesOf(named: readonly { readonly name: string }[]): string {
  return named.map(({ name }) => name).join(', ');
}

function secondsOf(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
