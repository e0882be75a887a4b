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
      meaning: 'Which question of the attempt it belongs to, from 0.',
    },
    { name: 'option_position', type: 'integer', meaning: 'Which option of the question it is, from 0.' },
    { name: 'option_id', type: 'string', field: `${OPTION}.id`, meaning: 'Id of the option.' },
    {
      name: 'checked',
      type: 'boolean',
      field: `${OPTION}.checked`,
      meaning: 'Whether the user has it checked.',
    },
    {
      name: 'correct',
      type: 'boolean',
      field: `${OPTION}.correct`,
      meaning: 'Whether it is right to check it; null where the source has none.',
    },
    {
      name: 'submitted',
      type: 'integer',
      field: `${OPTION}.submitted`,
      meaning: '1 where it was submitted; else null.',
    },
    {
      name: 'at',
      type: 'timestamp',
      field: `${OPTION}.at`,
      meaning: 'When the user last changed it (UTC); null where never.',
    },
  ],
  select: `
    SELECT source, ${MESSAGE_COLUMN_LIST}, "sequences.questions[]" AS question_position, "${OPTION}" AS option_position,
      "${OPTION}.id" AS option_id, "${OPTION}.checked" AS checked, "${OPTION}.correct" AS correct,
      "${OPTION}.submitted" AS submitted, "${OPTION}.at" AS at
    FROM "${OPTION}"`,
};
