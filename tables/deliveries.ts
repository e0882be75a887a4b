import { MESSAGE_COLUMNS, MESSAGE_COLUMN_LIST, type Table } from './table.ts';

/** Every message that became rows, unchanged. The last table that a batch is committed to. */
export const deliveries: Table = {
  name: 'deliveries',
  row: 'one message as it came; a batch seen here is complete in every table',
  columns: [
    ...MESSAGE_COLUMNS,
    { name: 'key', type: 'binary', meaning: 'The message’s key, its bytes.' },
    {
      name: 'headers',
      type: 'string',
      meaning:
        'The message’s headers, in order: a JSON array of {"key", "value"}, or {"key", "base64"} where the value is no UTF-8.',
    },
    { name: 'payload', type: 'string', meaning: 'The message’s value, the JSON text as it came.' },
  ],
  rowGroupRows: 4096,
  // For JSON, a third of snappy's size in 10 % more time, and less to send to HDFS.
  compression: 'zstd',
  select: `SELECT source, ${MESSAGE_COLUMN_LIST}, key, headers, payload FROM messages`,
};
