import { text } from 'node:stream/consumers';
import type { DuckDBConnection } from '@duckdb/node-api';
import { Command, Option } from 'commander';
import { TableCache, cacheFolderOf, type CachedTable } from '../../adapters/delta/table-cache.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { formatBytes } from '../../model/figures.ts';
import { readSettings } from '../../model/settings.ts';
import { TABLES } from '../../tables/index.ts';
import { VIEWS } from '../../tables/views.ts';
import { withExamples } from '../cli/help.ts';
import { fetchTables, snapshotsOf, findReferencedTables, withTables, type SqlAccess } from './live-tables.ts';
import { printError } from '../cli/output.ts';
import { queryRefused } from './access.ts';
import { FORMATS, formatOf, writeFileAtomically, type OutputOptions } from './file.ts';
import { writeAnswer } from './output.ts';
import { writePlan } from './plan.ts';
import { openWarehouse } from '../cli/warehouse.ts';

const FORMATS_HELP = `
Formats:
  table    for people: the first 1,000 rows, long values cut
  csv      as in RFC 4180, with a header; a null is an empty field, an empty text is ""
           (with one column alone, a null is an empty line); times are ISO 8601, nested values JSON;
           every value whole and exact, but in a terminal, where control characters are shown by number
           with --csv-safe, texts that a spreadsheet takes for a formula begin with ', and
           control characters are shown by number
  json     an array, an object a row, every value whole
  parquet  with the columns' true types; for a single SELECT, and --output`;

/** How DuckDB begins to say that it was told not to do something. */
const FORBIDDEN = /^Permission Error|^Invalid Input Error: Cannot change configuration option/;

interface QueryWords extends OutputOptions {
  readonly explain?: boolean;
  readonly trusted?: boolean;
}

/** `pipeline query SQL`: answers a query over the tables. */
export function queryCommand(): Command {
  const command = new Command('query')
    .description('Query the tables, in the SQL of DuckDB. Files are fetched once, and kept on this machine.')
    .argument('<sql>', 'the query; - reads it from standard input')
    .addOption(
      new Option('--format <format>', 'how (default: as the file’s name ends, else table)').choices(FORMATS),
    )
    .option('--json', 'the same as --format json')
    .option('--csv-safe', 'csv for a spreadsheet, in which no text of the data is a formula')
    .option('--output <file>', 'into a file, which is there whole or not at all')
    .option('--force', 'replace the file if it exists')
    .option(
      '--explain',
      'show, in place of the answer, the steps by which it came, with the rows and the time of each',
    )
    .option(
      '--trusted',
      'let the query do all that DuckDB can, with your rights: read and write files, attach databases, load extensions, change settings',
    )
    .addHelpText('after', `\nTables: ${namesOf(TABLES)}\nViews:  ${namesOf(VIEWS)}\n${FORMATS_HELP}`)
    .action(query);
  return withExamples(
    command,
    'pipeline query "SELECT exam_name, count(*) FROM attempts GROUP BY ALL ORDER BY 2 DESC LIMIT 10"',
    'pipeline query --json - < report.sql',
    'pipeline query "FROM attempts_deduplicated" --output attempts.parquet',
    'pipeline query "SELECT * FROM runs" --format csv',
    ['pipeline query "FROM attempts" --csv-safe --output attempts.csv', 'to open in a spreadsheet'],
    'pipeline query --explain "SELECT count(*) FROM options WHERE checked"',
    [
      `pipeline query --trusted "FROM attempts JOIN 'classes.csv' USING (user_exam_id)"`,
      'with a file of your own',
    ],
  );
}

async function query(argument: string, options: QueryWords): Promise<void> {
  const format = formatOf(options);
  const explain = options.explain === true;
  const csvSafe = options.csvSafe === true;
  if (explain && (options.output !== undefined || options.format !== undefined || csvSafe))
    throw new PipelineError(
      'USAGE_INVALID',
      '--explain gives no answer: leave out --format, --csv-safe and --output',
    );
  const sql = argument === '-' ? await text(process.stdin) : argument;
  const { output, trusted: isTrusted = false } = options;
  if (output === undefined)
    return answer(sql, { isTrusted }, (connection) =>
      explain
        ? writePlan(connection, { sql, format, isTrusted })
        : writeAnswer(connection, { sql, format, file: undefined, csvSafe, isTrusted }),
    );
  await writeFileAtomically(output, options, (file) => {
    // Other formats are written here; Parquet by DuckDB.
    const access = format === 'parquet' ? { isTrusted, writes: file } : { isTrusted };
    return answer(sql, access, (connection) =>
      writeAnswer(connection, { sql, format, file, csvSafe, isTrusted }),
    );
  });
}

/** @param write Writes what is to be said about the query; gives the rows of its answer. */
async function answer(
  sql: string,
  access: SqlAccess,
  write: (connection: DuckDBConnection) => Promise<number>,
): Promise<void> {
  const settings = readSettings();
  const { hdfs } = settings;
  const warehouse = openWarehouse(settings);
  const began = performance.now();
  const needed = [...findReferencedTables(sql)];
  const cache = new TableCache(cacheFolderOf(hdfs.nameNodes, hdfs.warehouse), warehouse.options.hdfs);
  const cached = await fetchTables(cache, warehouse, await snapshotsOf(warehouse, needed));
  const fetchSeconds = secondsSince(began);
  const ready = performance.now();
  const tables = TABLES.map((table) => ({ table, files: cached.get(table)?.files ?? null }));
  const ask = async (connection: DuckDBConnection): Promise<number> => {
    try {
      return await write(connection);
    } catch (cause) {
      throw asQueryError(cause);
    }
  };
  const rows = await withTables(tables, ask, access);
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
  if (FORBIDDEN.test(said)) return queryRefused(said);
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
