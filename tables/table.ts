import { randomUUID } from 'node:crypto';

/** The types that columns have, as Delta's schema names them. */
export type ColumnType =
  'string' | 'long' | 'integer' | 'boolean' | 'timestamp' | 'binary' | 'double' | 'date';

/** One column of a table. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** What it says, for the data dictionary. */
  readonly meaning: string;
  /** The attempt's field that fills it, as `sequences.questions[].id`: its values are counted on both sides. */
  readonly field?: string;
}

/** One table of the warehouse. */
export interface Table {
  readonly name: string;
  /** What a row is. */
  readonly row: string;
  /** Without the partition columns, which no data file holds. */
  readonly columns: readonly Column[];
  /** Rows of a row group of its files, where they are large: whoever writes or reads one has it in memory. */
  readonly rowGroupRows?: number;
  /** What packs its files: snappy, which the most readers take, unless another is worth it. */
  readonly compression?: 'snappy' | 'zstd';
  /**
   * The SELECT that fills it, of DuckDB, from the relations of a batch: `messages` (those that became rows, as they came)
   * for `deliveries`, `quarantined`, and for the others one of those that `relationOf` of tables/relations.ts names, which
   * have a column for each field. It gives the table's columns and, besides, `source`.
   */
  readonly select: string;
}

/** The columns that each data file's folder gives, in order. */
export const PARTITION_COLUMNS: readonly Column[] = [
  { name: 'source', type: 'string', meaning: 'Source that the row belongs to.' },
  { name: 'ingested_on', type: 'date', meaning: 'UTC day on which the run that landed the row started.' },
];

/** Where a row's message stands in Kafka; every table of messages begins with these. */
export const MESSAGE_COLUMNS: readonly Column[] = [
  { name: 'kafka_topic', type: 'string', meaning: 'Topic of the message that the row came from.' },
  { name: 'kafka_partition', type: 'integer', meaning: 'Partition of that message.' },
  { name: 'kafka_offset', type: 'long', meaning: 'Offset of that message in its partition.' },
  {
    name: 'published_at',
    type: 'timestamp',
    meaning: 'When it was published, by the message’s own timestamp (UTC); null where it has none.',
  },
];

/** {@link MESSAGE_COLUMNS} as a list in SQL. */
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

/** The name of a column's type in DuckDB. */
export function duckDbType(type: ColumnType): string {
  return DUCKDB_TYPES[type];
}

/** What Delta's log says of a table. */
export interface DeltaMetadata {
  readonly [more: string]: unknown;
  readonly id: string;
  readonly schemaString: string;
  readonly partitionColumns: string[];
}

/** A new table's metadata as Delta writes it. */
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

/** A table's schema as Delta writes it, the partition columns included. */
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
