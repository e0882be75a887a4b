import { MESSAGE_COLUMNS, MESSAGE_COLUMN_LIST, type Table } from './table.ts';

/** The attempts, one row per delivery. */
export const attempts: Table = {
  name: 'attempts',
  row: 'one delivery of an attempt: one user taking one exam',
  columns: [
    ...MESSAGE_COLUMNS,
    {
      name: 'keen_id',
      type: 'string',
      field: 'keen_id',
      meaning: 'The attempt’s id; the same in each of its deliveries.',
    },
    {
      name: 'keen_created_at',
      type: 'timestamp',
      field: 'keen_created_at',
      meaning: 'Time at which the customer’s event store received it (UTC).',
    },
    {
      name: 'keen_timestamp',
      type: 'timestamp',
      field: 'keen_timestamp',
      meaning: 'Time of the customer’s event (UTC).',
    },
    {
      name: 'started_at',
      type: 'timestamp',
      field: 'started_at',
      meaning: 'Time at which the user started the exam (UTC).',
    },
    { name: 'base_exam_id', type: 'string', field: 'base_exam_id', meaning: 'Id of the exam.' },
    {
      name: 'user_exam_id',
      type: 'string',
      field: 'user_exam_id',
      meaning: 'Id of the user’s enrolment in the exam; it identifies the user.',
    },
    { name: 'exam_name', type: 'string', field: 'exam_name', meaning: 'Name of the exam.' },
    {
      name: 'certification',
      type: 'boolean',
      field: 'certification',
      meaning: 'Whether the exam is a certification; null if the attempt does not have it.',
    },
    {
      name: 'max_attempts',
      type: 'integer',
      field: 'max_attempts',
      meaning: 'Maximum number of attempts per user.',
    },
    {
      name: 'sequence_id',
      type: 'string',
      field: 'sequences.id',
      meaning: 'Id of the sequence of questions.',
    },
    {
      name: 'attempt',
      type: 'integer',
      field: 'sequences.attempt',
      meaning: 'Number of the attempt among the user’s attempts, from 1.',
    },
    {
      name: 'total',
      type: 'integer',
      field: 'sequences.counts.total',
      meaning: 'Questions of the exam; null, like the next six columns, if the attempt has no counts.',
    },
    {
      name: 'correct',
      type: 'integer',
      field: 'sequences.counts.correct',
      meaning: 'Questions answered correctly.',
    },
    {
      name: 'incorrect',
      type: 'integer',
      field: 'sequences.counts.incorrect',
      meaning: 'Questions answered incorrectly.',
    },
    {
      name: 'incomplete',
      type: 'integer',
      field: 'sequences.counts.incomplete',
      meaning: 'Questions answered partially.',
    },
    {
      name: 'submitted',
      type: 'integer',
      field: 'sequences.counts.submitted',
      meaning: 'Questions submitted.',
    },
    {
      name: 'unanswered',
      type: 'integer',
      field: 'sequences.counts.unanswered',
      meaning: 'Questions not answered.',
    },
    {
      name: 'all_correct',
      type: 'boolean',
      field: 'sequences.counts.all_correct',
      meaning: 'Whether every question was answered correctly.',
    },
  ],
  select: `
    SELECT source, ${MESSAGE_COLUMN_LIST},
      keen_id, keen_created_at, keen_timestamp, started_at, base_exam_id, user_exam_id, exam_name, certification,
      max_attempts, "sequences.id" AS sequence_id, "sequences.attempt" AS attempt,
      "sequences.counts.total" AS total, "sequences.counts.correct" AS correct,
      "sequences.counts.incorrect" AS incorrect, "sequences.counts.incomplete" AS incomplete,
      "sequences.counts.submitted" AS submitted, "sequences.counts.unanswered" AS unanswered,
      "sequences.counts.all_correct" AS all_correct
    FROM attempt`,
};
