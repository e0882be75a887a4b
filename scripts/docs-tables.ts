import { TABLES } from '../tables/index.ts';
import { PARTITION_COLUMNS, type Column, type Table } from '../tables/table.ts';
import { VIEWS } from '../tables/views.ts';
import { code, madeFrom, markdownTable } from './docs-markdown.ts';

const TYPES = [
  ['string', 'VARCHAR', 'UTF-8 text'],
  ['long', 'BIGINT', 'a 64-bit integer'],
  ['integer', 'INTEGER', 'a 32-bit integer'],
  ['boolean', 'BOOLEAN', 'true or false'],
  ['timestamp', 'TIMESTAMP WITH TIME ZONE', 'a time in UTC, to the microsecond'],
  ['date', 'DATE', 'a day in UTC'],
  ['double', 'DOUBLE', 'a 64-bit floating-point number'],
  ['binary', 'BLOB', 'bytes'],
] as const satisfies readonly (readonly [Column['type'], string, string])[];

const TIMES = `\
A time is an RFC 3339 string: \`2018-01-31T12:00:00.000Z\`. Also accepted are \`t\`, \`z\`, a space in place of the T, and offsets as \`+0530\` or \`+05\`; \`-00:00\` is UTC. An epoch is seconds since 1970, as a number or a string: \`1516717442.735266\`.

Both may have up to nine decimals, and any zeros after them. Times are rounded to the nearest microsecond; halves up, in an epoch away from 1970.

A time without an offset, with a leap second (\`:60\`), at \`24:00:00\`, or on a day that does not exist quarantines its message. So does a time outside the years 1 to 9999 in UTC, also where its offset or its rounding moved it there: readers of the tables support no others.`;

/** Returns the data dictionary. */
export function tablesPage(): string {
  return [
    madeFrom('tables/'),
    '# Tables',
    'Each table is a Delta table in HDFS, in the folder `<hdfs.warehouse>/<table>`: Parquet files, and the log in `_delta_log`, which lists the live ones. A column is null where the attempt does not have its field; [records/attempt.ts](../records/attempt.ts) defines the required fields. `npx pipeline tables` shows their sizes, `npx pipeline tables NAME` the columns.',
    'A message is in `deliveries`, with its attempt in `attempts`, `questions` and `options`; or it is in `quarantine`. Rows of one message have the same `kafka_topic`, `kafka_partition` and `kafka_offset`: join by these, and the positions. `deliveries` is committed last: a batch that is visible there is complete in every table.',
    '## Partition columns',
    'Every table is partitioned by these two, which are folders and not in the data files. A query that filters by source or day reads only the matching folders. Their values are strings in the log: use those, since a folder’s name has no type, and some readers parse `source=null` or `source=1` as a null or a number.',
    columnTable(PARTITION_COLUMNS),
    ...TABLES.map(tableSection),
    '## Views',
    '`npx pipeline query` has these besides the tables. For other programs, use the SELECT, in DuckDB’s SQL.',
    ...VIEWS.map(
      ({ name, row, select }) => `### ${name}\n\nA row is ${row}.\n\n\`\`\`sql\n${dedent(select)}\n\`\`\``,
    ),
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

/** Removes the indentation that a text has in code. */
function dedent(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const margin = Math.min(...lines.map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(margin)).join('\n');
}
