import { MESSAGE_COLUMNS, MESSAGE_COLUMN_LIST, type Table } from './table.ts';

/** The questions of the attempts, one row per delivery. */
export const questions: Table = {
  name: 'questions',
  row: 'one question of an attempt',
  columns: [
    ...MESSAGE_COLUMNS,
    { name: 'question_position', type: 'integer', meaning: 'Index of the question in the attempt, from 0.' },
    {
      name: 'question_id',
      type: 'string',
      field: 'sequences.questions[].id',
      meaning: 'Id of the question.',
    },
    {
      name: 'user_correct',
      type: 'boolean',
      field: 'sequences.questions[].user_correct',
      meaning: 'Whether it was answered correctly.',
    },
    {
      name: 'user_incomplete',
      type: 'boolean',
      field: 'sequences.questions[].user_incomplete',
      meaning: 'Whether it was answered partially.',
    },
    {
      name: 'user_result',
      type: 'string',
      field: 'sequences.questions[].user_result',
      meaning: 'correct, incorrect, missed_some or unanswered; null if the attempt does not have it.',
    },
    {
      name: 'user_submitted',
      type: 'boolean',
      field: 'sequences.questions[].user_submitted',
      meaning: 'Whether an answer was submitted.',
    },
    { name: 'option_count', type: 'integer', meaning: 'Number of its options.' },
  ],
  select: `
    SELECT source, ${MESSAGE_COLUMN_LIST}, "sequences.questions[]" AS question_position,
      "sequences.questions[].id" AS question_id, "sequences.questions[].user_correct" AS user_correct,
      "sequences.questions[].user_incomplete" AS user_incomplete, "sequences.questions[].user_result" AS user_result,
      "sequences.questions[].user_submitted" AS user_submitted, "sequences.questions[].options" AS option_count
    FROM "sequences.questions[]"`,
};
