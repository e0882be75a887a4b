import type { Table } from './table.ts';

/** The rows of `quarantine` that were published again; a table of its own, since rows are never changed. */
export const replays: Table = {
  name: 'replays',
  row: 'one quarantined message, or record rejected at publish, that was published again',
  columns: [
    { name: 'kafka_topic', type: 'string', meaning: 'Topic of the quarantined message and of the new one.' },
    {
      name: 'kafka_partition',
      type: 'integer',
      meaning: 'Partition of the quarantined message; null for a record rejected at publish.',
    },
    {
      name: 'kafka_offset',
      type: 'long',
      meaning: 'Offset of the quarantined message; null for a record rejected at publish.',
    },
    { name: 'chunk', type: 'string', meaning: 'The chunk of a record rejected at publish.' },
    {
      name: 'chunk_position',
      type: 'long',
      meaning: 'The index in its chunk of a record rejected at publish, from 0.',
    },
    {
      name: 'replay_of',
      type: 'string',
      meaning:
        'The reference of the original, topic/partition/offset or chunk:position, as in the last header replay-of of the new message.',
    },
    { name: 'replay_partition', type: 'integer', meaning: 'Partition of the new message.' },
    { name: 'replay_offset', type: 'long', meaning: 'Offset of the new message in its partition.' },
    { name: 'replayed_at', type: 'timestamp', meaning: 'Time at which this row was written (UTC).' },
    {
      name: 'command',
      type: 'string',
      meaning: 'The command that published it, truncated to 500 characters.',
    },
  ],
  select: 'SELECT * FROM replays',
};
