import type { Table } from './table.ts';

/** The erasures of persons, without the persons. */
export const erasures: Table = {
  name: 'erasures',
  row: 'one erasure of persons of a source: who asked for it, why, and what was found where',
  columns: [
    { name: 'workflow_id', type: 'string', meaning: 'Temporal’s workflow id of the erasure.' },
    { name: 'run_id', type: 'string', meaning: 'Temporal’s run id.' },
    {
      name: 'number',
      type: 'long',
      meaning: 'Number of the erasure among those of the source, from 1.',
    },
    { name: 'requested_by', type: 'string', meaning: 'Who asked for it.' },
    { name: 'reason', type: 'string', meaning: 'Why.' },
    { name: 'started_at', type: 'timestamp', meaning: 'Time at which it started (UTC).' },
    {
      name: 'finished_at',
      type: 'timestamp',
      meaning: 'Time at which no table had a row of the persons any more (UTC).',
    },
    { name: 'persons', type: 'long', meaning: 'Number of the persons that it named.' },
    { name: 'messages', type: 'long', meaning: 'Messages of the persons that were in the tables.' },
    {
      name: 'records',
      type: 'long',
      meaning: 'Records of the persons that were rejected at publish, so that they never were messages.',
    },
    {
      name: 'tables',
      type: 'string',
      meaning:
        'What was removed from each table: a JSON array of {"table", "rows", "files", "writtenBytes", "deletedFiles"}.',
    },
    { name: 'kafka_topic', type: 'string', meaning: 'The topic of the source.' },
    {
      name: 'kafka_until',
      type: 'timestamp',
      meaning:
        'Time (UTC) by which Kafka has deleted the messages of the persons that it had; null if the topic’s settings never delete them.',
    },
  ],
  select: 'SELECT * FROM erasures',
};
