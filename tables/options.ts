import { MESSAGE_COLUMNS, MESSAGE_COLUMN_LIST, type Table } from './table.ts';

const OPTION = 'sequences.questions[].options[]';

/** The options of the questions, one row per delivery. */
export const options: Table = {
  name: 'options',
  row: 'one option of a question of an attempt',
  columns: [
    ...MESSAGE_COLUMNS,
    {
      name: 'question_position',
      type: 'integer',
      meaning: 'Index of its question in the attempt, from 0.',
    },
    { name: 'option_position', type: 'integer', meaning: 'Index of the option in the question, from 0.' },
    { name: 'option_id', type: 'string', field: `${OPTION}.id`, meaning: 'Id of the option.' },
    {
      name: 'checked',
      type: 'boolean',
      field: `${OPTION}.checked`,
      meaning: 'Whether the user checked it.',
    },
    {
      name: 'correct',
      type: 'boolean',
      field: `${OPTION}.correct`,
      meaning: 'Whether checking it is correct; null if the attempt does not have it.',
    },
    {
      name: 'submitted',
      type: 'integer',
      field: `${OPTION}.submitted`,
      meaning: '1 if it was submitted, else null.',
    },
    {
      name: 'at',
      type: 'timestamp',
      field: `${OPTION}.at`,
      meaning: 'Time at which the user last changed it (UTC); null if never.',
    },
  ],
  select: `
    SELECT source, ${MESSAGE_COLUMN_LIST}, "sequences.questions[]" AS question_position, "${OPTION}" AS option_position,
      "${OPTION}.id" AS option_id, "${OPTION}.checked" AS checked, "${OPTION}.correct" AS correct,
      "${OPTION}.submitted" AS submitted, "${OPTION}.at" AS at
    FROM "${OPTION}"`,
};
