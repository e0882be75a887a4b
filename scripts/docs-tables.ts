import { TABLES } from '../tables/index.ts';
import { PARTITION_COLUMNS, type Column, type Table } from '../tables/table.ts';
import { VIEWS } from '../tables/views.ts';
import { code, madeFrom, markdownTable } from './docs-markdown.ts';

const TYPES = [
  ['string', 'VARCHAR', 'UTF-8 text'],
  ['long', 'BIGINT', 'a whole number of 64 bits'],
  ['integer', 'INTEGER', 'a whole number of 32 bits'],
  ['boolean', 'BOOLEAN', 'true or false'],
  ['timestamp', 'TIMESTAMP WITH TIME ZONE', 'a time in UTC, to the microsecond'],
  ['date', 'DATE', 'a day in UTC'],
  ['double', 'DOUBLE', 'a number of 64 bits with decimals'],
  ['binary', 'BLOB', 'bytes'],
] as const satisfies readonly (readonly [Column['type'], string, string])[];

const TIMES = `\
A field that holds a time is a text of RFC 3339: \`2018-01-31T12:00:00.000Z\`. Accepted too are \`t\`, \`z\`, a space in place of the T, and offsets as \`+0530\` or \`+05\`; \`-00:00\` is UTC. An epoch is seconds since 1970, as a number or its text: \`1516717442.735266\`.

Both may have up to nine decimals, and any zeros after them. The nearest microsecond is kept; half of one is rounded up, in an epoch away from 1970.

A time without an offset, with a leap second (\`:60\`), at \`24:00:00\`, or on a day that no calendar has puts its message into quarantine. So does a time that is not of the years 1 to 9999 in UTC, whether it was written so or its offset or its rounding moved it there: readers of the tables hold no others.`;

/** Returns the data dictionary. */
export function tablesPage(): string {
  return [
    madeFrom('tables/'),
    '# Tables',
    'Each table is a Delta table in HDFS, in the folder `<hdfs.warehouse>/<table>`: Parquet files, and the log in `_delta_log` that says which of them count. A column is null where the attempt does not have its field; which fields it must have, [records/attempt.ts](../model/attempt.ts) says. `npx pipeline tables` shows how much they hold, `npx pipeline tables NAME` the columns again.',
    'A message is in `deliveries`, with its attempt in `attempts`, `questions` and `options`; or it is in `quarantine`. Rows of one message have the same `kafka_topic`, `kafka_partition` and `kafka_offset`; by these, and the positions, they are joined. `deliveries` is committed last of a batch: a batch that is seen there is complete in every table.',
    '## Partition columns',
    'Every table has these two, as folders: no data file holds them. A query that names a source, or days, reads those folders alone. Their values are in the log, as text: take them from there, since a folder’s name has no type, and some readers take `source=null` or `source=1` for a null or a number.',
    columnTable(PARTITION_COLUMNS),
    ...TABLES.map(tableSection),
    '## Views',
    '`npx pipeline query` knows these besides the tables. Other programs take the SELECT, in the SQL of DuckDB.',
    ...VIEWS.map(
      ({ name, row, select }) => `### ${name}\n\nA row is ${row}.\n\n\`\`\`sql\n${dedent(select)}\n\`\`\``,
    ),
    '## Types',
    markdownTable(
      ['Delta and Spark', 'DuckDB', 'Holds'],
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
