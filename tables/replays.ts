import type { Table } from './table.ts';

/** The rows of `quarantine` that were published again; a table of its own, since rows are never changed. */
export const replays: Table = {
  name: 'replays',
  row: 'one message, or one record refused at publish, that was published again out of quarantine',
  columns: [
    { name: 'kafka_topic', type: 'string', meaning: 'Topic that it came from, and was published to again.' },
    {
      name: 'kafka_partition',
      type: 'integer',
      meaning: 'Partition of the message in quarantine; null for a record refused at publish.',
    },
    {
      name: 'kafka_offset',
      type: 'long',
      meaning: 'Offset of that message; null for a record refused at publish.',
    },
    { name: 'chunk', type: 'string', meaning: 'For a record refused at publish, its chunk.' },
    {
      name: 'chunk_position',
      type: 'long',
      meaning: 'For a record refused at publish, its place in the chunk, from 0.',
    },
    {
      name: 'replay_of',
      type: 'string',
      meaning:
        'The same as one text, topic/partition/offset or chunk:position, as the last header replay-of of the new message has it.',
    },
    { name: 'replay_partition', type: 'integer', meaning: 'Partition of the new message.' },
    { name: 'replay_offset', type: 'long', meaning: 'Offset of the new message in its partition.' },
    { name: 'replayed_at', type: 'timestamp', meaning: 'When this row was written (UTC).' },
    { name: 'command', type: 'string', meaning: 'The command that published it, its first 500 characters.' },
  ],
  select: 'SELECT * FROM replays',
};
