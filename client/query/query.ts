import { text } from 'node:stream/consumers';
import type { DuckDBConnection } from '@duckdb/node-api';
import { Command, Option } from 'commander';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { readSettings } from '../../model/settings.ts';
import { TABLES, VIEWS } from '../../tables/index.ts';
import { withExamples } from '../cli/help.ts';
import { withTables, type SqlAccess } from './live-tables.ts';
import { printError } from '../cli/output.ts';
import { queryRefused } from './access.ts';
import { parseAsOfArgument, type AsOf } from './as-of.ts';
import { fetchForQuery } from './fetch.ts';
import { FORMATS, formatOf, writeFileAtomically, type OutputOptions } from './file.ts';
import { writeAnswer } from './output.ts';
import { writePlan } from './plan.ts';

const FORMATS_HELP = `
Formats:
  table    for people: the first 1,000 rows; long values are cut
  csv      RFC 4180 with a header. A null is an empty field (an empty line if there is only one column),
           an empty string is "". Times are ISO 8601, nested values are JSON. Values are exact, except
           that control characters are escaped in a terminal.
           With --csv-safe, values that a spreadsheet would run as a formula are prefixed with ', and
           control characters are escaped.
  json     an array with one object per row; values are never cut
  parquet  with the columns' types; requires a single SELECT and --output`;

/** Prefixes of DuckDB's errors for operations that its configuration forbids. */
const FORBIDDEN = /^Permission Error|^Invalid Input Error: Cannot change configuration option/;

interface QueryWords extends OutputOptions {
  readonly explain?: boolean;
  readonly asOf?: AsOf;
  readonly trusted?: boolean;
}

/** Creates `pipeline query SQL`, which runs a query over the tables. */
export function queryCommand(): Command {
  const command = new Command('query')
    .description(
      'Query the tables with DuckDB’s SQL. Their files are downloaded once and cached on this machine.',
    )
    .argument('<sql>', 'the query, or - to read it from standard input')
    .addOption(
      new Option('--format <format>', 'output format (default: by the file’s extension, else table)').choices(
        FORMATS,
      ),
    )
    .option(
      '--as-of <when>',
      'read the tables as they were: at a time, such as 2026-01-31T12:00:00Z, or at a version, for a query of one table (pipeline history lists the versions)',
      parseAsOfArgument,
    )
    .option('--json', 'the same as --format json')
    .option('--csv-safe', 'CSV that is safe to open in a spreadsheet: no value is a formula')
    .option('--output <file>', 'write to a file, atomically: it is complete or does not exist')
    .option('--force', 'replace the file if it exists')
    .option(
      '--explain',
      'run the query and show its plan instead of the result, with the rows and the time of each step',
    )
    .option(
      '--trusted',
      'allow the query everything that DuckDB can do, with your permissions: read and write files, attach databases, load extensions, change settings',
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
    ['pipeline query --as-of 2026-01-31 "SELECT count(*) FROM attempts"', 'as it was at midnight UTC'],
    [`pipeline query --trusted "FROM attempts JOIN 'classes.csv' USING (user_exam_id)"`, 'with a local file'],
  );
}

async function query(argument: string, options: QueryWords): Promise<void> {
  const format = formatOf(options);
  const explain = options.explain === true;
  const csvSafe = options.csvSafe === true;
  if (explain && (options.output !== undefined || options.format !== undefined || csvSafe))
    throw new PipelineError(
      'USAGE_INVALID',
      '--explain shows the plan instead of the result: leave out --format, --csv-safe and --output',
    );
  const sql = argument === '-' ? await text(process.stdin) : argument;
  const { output, asOf, trusted: isTrusted = false } = options;
  if (output === undefined)
    return runQuery({ sql, asOf }, { isTrusted }, (connection) =>
      explain
        ? writePlan(connection, { sql, format, isTrusted })
        : writeAnswer(connection, { sql, format, file: undefined, csvSafe, isTrusted }),
    );
  await writeFileAtomically(output, options, (file) => {
    // DuckDB itself writes Parquet, so it needs access to the file; other formats are written by this process.
    const access = format === 'parquet' ? { isTrusted, writes: file } : { isTrusted };
    return runQuery({ sql, asOf }, access, (connection) =>
      writeAnswer(connection, { sql, format, file, csvSafe, isTrusted }),
    );
  });
}

/**
 * Fetches the tables that a query needs, runs it, and prints its statistics to standard error.
 * @param write Runs the query, writes its result, and returns the number of rows.
 */
async function runQuery(
  { sql, asOf }: { readonly sql: string; readonly asOf: AsOf | undefined },
  access: SqlAccess,
  write: (connection: DuckDBConnection) => Promise<number>,
): Promise<void> {
  const settings = readSettings();
  const startMs = performance.now();
  const { tables, versions, summary } = await fetchForQuery(settings, sql, asOf);
  if (asOf !== undefined) printError(formatVersions(versions));
  const fetchTime = formatElapsed(startMs);
  const fetchedMs = performance.now();
  const use = async (connection: DuckDBConnection): Promise<number> => {
    try {
      return await write(connection);
    } catch (cause) {
      throw asQueryError(cause);
    }
  };
  const rows = await withTables(tables, use, access);
  printError(
    `${rows} ${rows === 1 ? 'row' : 'rows'} in ${formatElapsed(fetchedMs)}; ${summary} in ${fetchTime}`,
  );
}

function formatVersions(versions: ReadonlyMap<string, number | undefined>): string {
  const named = [...versions].map(([table, version]) => `${table} at version ${version ?? 'none'}`);
  return named.length === 0 ? 'The query names no table.' : `Read ${named.join(', ')}.`;
}

/** Maps DuckDB's error and keeps its message; for an unknown table, adds the names of the tables. */
function asQueryError(cause: unknown): PipelineError {
  if (cause instanceof PipelineError) return cause;
  const message = messageOf(cause).replace(/^Failed to extract statements: /, '');
  if (FORBIDDEN.test(message)) return queryRefused(message);
  const hint = message.startsWith('Catalog Error')
    ? `\n\nThe tables are ${namesOf(TABLES)}; the views ${namesOf(VIEWS)}.`
    : '';
  return new PipelineError('QUERY_INVALID', `${message}${hint}`);
}

function namesOf(named: readonly { readonly name: string }[]): string {
  return named.map(({ name }) => name).join(', ');
}

function formatElapsed(startMs: number): string {
  return `${((performance.now() - startMs) / 1000).toFixed(2)} s`;
}
