import { TABLES, VIEWS } from '../tables/index.ts';
import { PARTITION_COLUMNS, type Column, type Table } from '../tables/table.ts';
import { code, madeFrom, markdownTable } from './docs-markdown.ts';

const TYPES = [
  ['string', 'VARCHAR', 'UTF-8 text'],
  ['long', 'BIGINT', 'a 64-bit signed integer'],
  ['integer', 'INTEGER', 'a 32-bit signed integer'],
  ['boolean', 'BOOLEAN', 'true or false'],
  ['timestamp', 'TIMESTAMP WITH TIME ZONE', 'a time in UTC, to the microsecond'],
  ['date', 'DATE', 'a day in UTC'],
  ['double', 'DOUBLE', 'a 64-bit floating point number'],
  ['binary', 'BLOB', 'bytes'],
] as const satisfies readonly (readonly [Column['type'], string, string])[];

const TIMES = `\
A timestamp field is an RFC 3339 string: \`2018-01-31T12:00:00.000Z\`. Also accepted are \`t\`, \`z\`, a space instead of the T, and offsets such as \`+0530\` or \`+05\`; \`-00:00\` is UTC. An epoch field is seconds since 1970, as a number or a string: \`1516717442.735266\`.

Both may have up to nine decimal places, and any number of trailing zeros. They are rounded to the nearest microsecond; halves are rounded up, in an epoch away from 1970.

A time without an offset, with a leap second (\`:60\`), at \`24:00:00\`, or on a date that does not exist quarantines its message. So does a time outside of the years 1 to 9999 in UTC, also if only its offset or rounding moves it there: readers of the tables support no others.`;

const VERSIONS = `\
Each commit makes a version of its table, numbered from 0. \`npx pipeline history attempts\` lists the versions, newest first: the time (UTC), the operation, the engine, the run, the files and rows added (\`+\`) and removed (\`-\`), and whether the version can still be read. It cannot if the log was cleaned up, so that there is no checkpoint before the version from which all entries follow, or if a data file that was removed later is deleted, as by \`VACUUM\`. Files that are still live are not checked: \`npx pipeline verify\` does that.

\`npx pipeline query --as-of 2026-01-31T12:00:00Z "SELECT count(*) FROM attempts"\` reads each table at its last version until that time, which may also be a day (midnight UTC). The tables are consistent: a batch that is in \`deliveries\`, by that time, is in all other tables of the query, even if another host's clock was ahead. With a version, as \`--as-of 3\`, the query must use exactly one table. Columns are those of today. Errors: \`VERSION_UNKNOWN\` if the table or the version did not exist at the time, \`VERSION_GONE\` if it can no longer be read.

The time of a version is the \`timestamp\` in its \`commitInfo\`, or else the modification time of its log entry; if it is not after that of the previous version, it is a millisecond after it. Spark and delta-rs may use the modification time, which differs by the duration of the commit, and by more if the log was copied. In logs of more than 512 versions the version is found by a binary search, which assumes that no time is out of order by more than 256 versions.`;

const COST = `\
\`npx pipeline tables\`, and \`SELECT count(*) FROM\` a table without any other clause, fetch no data file: the log has the rows of each. Other queries fetch all live files of the tables that they name, except for a SELECT from a single table (no view, join, subquery or CTE): by the conditions that are joined by AND at the top of its WHERE, it fetches only files that may have matching rows. These conditions compare a column with literals: \`source\` by \`=\` or \`IN\`; \`ingested_on\` and columns of whole numbers by \`=\`, \`<\`, \`<=\`, \`>\`, \`>=\`, \`BETWEEN\` or \`IN\`. The line after the result says how many files were read.`;

/** The data dictionary. */
export function tablesPage(): string {
  return [
    madeFrom('tables/'),
    '# Tables',
    'Each table is a Delta table in HDFS, in the folder `<hdfs.warehouse>/<table>`: Parquet files, and the log in `_delta_log` that lists the current ones. A column is null if the attempt lacks its field; [contracts/attempts.odcs.yaml](../contracts/attempts.odcs.yaml) defines which fields are required. `npx pipeline tables` shows rows and sizes, `npx pipeline tables NAME` the columns.',
    'A message is in `deliveries`, with its attempt in `attempts`, `questions` and `options`; or it is in `quarantine`. Rows of one message have the same `kafka_topic`, `kafka_partition` and `kafka_offset`; join on these and the positions. `deliveries` is committed last: a batch that is visible there is complete in every table.',
    'A column that was added to an existing table is null in the rows that landed before, and comes after the partition columns in the table’s schema. A table that was added to an existing warehouse has the rows of later batches only: `npx pipeline tables` says from which offset of each partition ([adding a table](adding-a-table.md#existing-warehouses)).',
    '## Partition columns',
    'Every table is partitioned by these two; data files do not contain them. A query that filters by source or day reads only those partitions. Take the values from the log, not from the folder names: some readers parse `source=null` or `source=1` as a null or a number.',
    columnTable(PARTITION_COLUMNS),
    ...TABLES.map(tableSection),
    '## Views',
    '`npx pipeline query` has these views besides the tables. Other programs can use the SELECT, in DuckDB’s SQL.',
    ...VIEWS.map(
      ({ name, row, select }) => `### ${name}\n\nA row is ${row}.\n\n\`\`\`sql\n${dedent(select)}\n\`\`\``,
    ),
    '## Versions',
    VERSIONS,
    '## Which files a query fetches',
    COST,
    '## Types',
    markdownTable(
      ['Delta and Spark', 'DuckDB', 'Values'],
      TYPES.map(([delta, duckDb, holds]) => [code(delta), code(duckDb), holds]),
    ),
    '## Times',
    TIMES,
  ].join('\n\n');
}

function tableSection({ name, row, columns }: Table): string {
  return `## ${name}\n\nA row is ${row}.\n\n${columnTable(columns)}`;
}

function columnTable(columns: readonly Column[]): string {
  const named = columns.some(({ field }) => field !== undefined);
  return markdownTable(
    ['Column', 'Type', 'Meaning', ...(named ? ['Field of the attempt'] : [])],
    columns.map(({ name, type, meaning, field }) => [
      code(name),
      type,
      meaning,
      ...(named ? [field === undefined ? '' : code(field)] : []),
    ]),
  );
}

/** Removes the common indentation of a text. */
function dedent(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const margin = Math.min(...lines.map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(margin)).join('\n');
}
