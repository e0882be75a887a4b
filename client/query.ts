import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { TableCache, cacheFolderOf, type CachedTable } from '../adapters/table-cache.ts';
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
  const settings = readSettings();
  const { hdfs } = settings;
  const warehouse = openWarehouse(settings);
  const began = performance.now();
  const needed = [...tablesNamedIn(sql)];
  const cache = new TableCache(cacheFolderOf(hdfs.nameNodes, hdfs.warehouse), warehouse.options.hdfs);
  const cached = await fetchTables(cache, warehouse, await snapshotsOf(warehouse, needed));
  const fetchSeconds = secondsSince(began);
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
  printError(
    `${rows} ${rows === 1 ? 'row' : 'rows'} in ${secondsSince(ready)}; ${formatFetches([...cached.values()])} in ${fetchSeconds}`,
  );
}

function formatFetches(tables: readonly CachedTable[]): string {
  const sum = (what: (table: CachedTable) => number): number =>
    tables.reduce((total, table) => total + what(table), 0);
  const fetched = sum((table) => table.fetched);
  const bytes = sum((table) => table.fetchedBytes);
  return `files: ${sum((table) => table.files.length)}, fetched: ${fetched} (${formatBytes(bytes)})`;
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

function secondsSince(began: number): string {
  return `${((performance.now() - began) / 1000).toFixed(2)} s`;
}
