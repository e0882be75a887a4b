import { MESSAGE_COLUMNS, type Table } from './table.ts';

/** What could not become rows, kept whole, with the reason. */
export const quarantine: Table = {
  name: 'quarantine',
  row: 'one message, or one record refused at publish, that could not become rows',
  columns: [
    ...MESSAGE_COLUMNS.map((column) => ({
      ...column,
      meaning: `${column.meaning} Null for a record refused at publish.`,
    })),
    { name: 'step', type: 'string', meaning: 'The step that refused it: publish or transform.' },
    { name: 'chunk', type: 'string', meaning: 'For a record refused at publish, its chunk.' },
    {
      name: 'chunk_position',
      type: 'long',
      meaning: 'For a record refused at publish, its place in the chunk, from 0.',
    },
    {
      name: 'path',
      type: 'string',
      meaning: 'The field that is off, as sequences.questions[3].id; empty for the whole.',
    },
    { name: 'reason', type: 'string', meaning: 'What is wrong with it, without the value.' },
    { name: 'key', type: 'binary', meaning: 'The message’s key, its bytes.' },
    { name: 'headers', type: 'string', meaning: 'The message’s headers, as in deliveries.' },
    { name: 'payload', type: 'binary', meaning: 'The message’s value, its bytes; null where it had none.' },
  ],
  select: 'SELECT * FROM quarantine',
};

/** The kind of a row's path, in SQL: any place of a list is the same. */
export const PATH_KIND = String.raw`regexp_replace(path, '\[\d+\]', '[]', 'g')`;

/** The kind of its reason, in SQL: a record too large is one, however large it is. */
export const REASON_KIND = String.raw`regexp_replace(reason, '^(has|makes a message of) \d+ bytes', '\1 … bytes')`;
