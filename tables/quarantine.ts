import { LIST_INDEX_PATTERN, SIZE_PATTERN } from '../model/reasons.ts';
import { MESSAGE_COLUMNS, type Table } from './table.ts';

/** Messages and records that could not become rows, kept whole, with the reason. */
export const quarantine: Table = {
  name: 'quarantine',
  row: 'one message, or one record rejected at publish, that could not become rows',
  columns: [
    ...MESSAGE_COLUMNS.map((column) => ({
      ...column,
      meaning: `${column.meaning} Null for a record rejected at publish.`,
    })),
    { name: 'step', type: 'string', meaning: 'The step that rejected it: publish or transform.' },
    { name: 'chunk', type: 'string', meaning: 'The chunk of a record rejected at publish.' },
    {
      name: 'chunk_position',
      type: 'long',
      meaning: 'The index in its chunk of a record rejected at publish, from 0.',
    },
    {
      name: 'path',
      type: 'string',
      meaning: 'The path of the invalid field, as sequences.questions[3].id; empty for the whole message.',
    },
    { name: 'reason', type: 'string', meaning: 'The reason, without the value.' },
    { name: 'key', type: 'binary', meaning: 'The message’s key in bytes.' },
    { name: 'headers', type: 'string', meaning: 'The message’s headers, as in deliveries.' },
    { name: 'payload', type: 'binary', meaning: 'The message’s value in bytes; null if it had none.' },
  ],
  select: 'SELECT * FROM quarantine',
};

/** SQL for a row's path without list indexes, as `ReasonTally` counts it. */
export const PATH_KIND = `regexp_replace(path, '${LIST_INDEX_PATTERN}', '[]', 'g')`;

/** SQL for a row's reason without the record's size, as `ReasonTally` counts it. */
export const REASON_KIND = String.raw`regexp_replace(reason, '${SIZE_PATTERN}', '\1 … bytes')`;
