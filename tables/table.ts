import { randomUUID } from 'node:crypto';

/** The column types, by their names in Delta's schema. */
export type ColumnType =
  'string' | 'long' | 'integer' | 'boolean' | 'timestamp' | 'binary' | 'double' | 'date';

/** One column of a table. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** The description in the data dictionary. */
  readonly meaning: string;
  /** The record's field that fills it, as `sequences.questions[].id`. Its values are counted in messages and files. */
  readonly field?: string;
}

/** One table of the warehouse. */
export interface Table {
  readonly name: string;
  /** Describes one row, in the singular. */
  readonly row: string;
  /** Without the partition columns, which are not in the data files. */
  readonly columns: readonly Column[];
  /** Rows per Parquet row group, for large rows: writers and readers have a whole row group in memory. */
  readonly rowGroupRows?: number;
  /** The Parquet compression codec; default snappy, which most readers support. */
  readonly compression?: 'snappy' | 'zstd';
  /**
   * The DuckDB SELECT that fills it. `deliveries` is read from the relation `messages` (the accepted messages,
   * unchanged), tables of contracts from one that `relationOf` of tables/relations.ts names, and `quarantine`, `replays`,
   * `runs` and `erasures` from a relation of their own name. Returns `source` and the table's columns.
   */
  readonly select: string;
}

/** The partition columns in order, whose values are in a data file's path. */
export const PARTITION_COLUMNS: readonly Column[] = [
  { name: 'source', type: 'string', meaning: 'Source of the row.' },
  { name: 'ingested_on', type: 'date', meaning: 'UTC day on which the run that landed the row started.' },
];

/** The Kafka position of a row's message; the first columns of every table of messages. */
export const MESSAGE_COLUMNS: readonly Column[] = [
  { name: 'kafka_topic', type: 'string', meaning: 'Topic of the row’s message.' },
  { name: 'kafka_partition', type: 'integer', meaning: 'Partition of that message.' },
  { name: 'kafka_offset', type: 'long', meaning: 'Offset of that message in its partition.' },
  {
    name: 'published_at',
    type: 'timestamp',
    meaning: 'The message’s timestamp (UTC); null if it has none.',
  },
];

/** The names of {@link MESSAGE_COLUMNS}, for SQL. */
export const MESSAGE_COLUMN_LIST = MESSAGE_COLUMNS.map(({ name }) => name).join(', ');

const DUCKDB_TYPES: Record<ColumnType, string> = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMPTZ',
  binary: 'BLOB',
  double: 'DOUBLE',
  date: 'DATE',
};

/** Returns the DuckDB type of a column type. */
export function duckDbType(type: ColumnType): string {
  return DUCKDB_TYPES[type];
}

/** A `metaData` action of the Delta log. */
export interface DeltaMetadata {
  readonly [more: string]: unknown;
  readonly id: string;
  readonly schemaString: string;
  readonly partitionColumns: string[];
}

/** Returns the metadata of a new table, with a random id. */
export function deltaMetadata(table: Table): DeltaMetadata {
  return {
    id: randomUUID(),
    name: table.name,
    description: `A row is ${table.row}.`,
    format: { provider: 'parquet', options: {} },
    schemaString: deltaSchema(table),
    partitionColumns: PARTITION_COLUMNS.map(({ name }) => name),
    configuration: {},
    createdTime: Date.now(),
  };
}

/** Returns a table's schema in Delta's JSON, with the partition columns. */
function deltaSchema(table: Table): string {
  return JSON.stringify({
    type: 'struct',
    fields: [...table.columns, ...PARTITION_COLUMNS].map(({ name, type, meaning }) => ({
      name,
      type,
      nullable: true,
      metadata: { comment: meaning },
    })),
  });
}
