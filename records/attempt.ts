import type { FieldShape, ListShape, ObjectShape, ScalarShape, ScalarType } from './shape.ts';

function leaf(type: ScalarType): ScalarShape {
  return { kind: 'leaf', type, required: false };
}

function object(fields: Readonly<Record<string, FieldShape>>): ObjectShape {
  return { kind: 'object', required: false, fields };
}

function list(fields: Readonly<Record<string, FieldShape>>): ListShape {
  return { kind: 'list', required: false, item: object(fields) };
}

function required<S extends FieldShape>(shape: S): S {
  return { ...shape, required: true };
}

const OPTION = {
  id: required(leaf('text')),
  checked: leaf('boolean'),
  correct: leaf('boolean'),
  submitted: leaf('integer'),
  at: leaf('timestamp'),
};

const QUESTION = {
  id: required(leaf('text')),
  user_correct: leaf('boolean'),
  user_incomplete: leaf('boolean'),
  user_result: leaf('text'),
  user_submitted: leaf('boolean'),
  options: required(list(OPTION)),
};

const COUNTS = {
  total: leaf('integer'),
  correct: leaf('integer'),
  incorrect: leaf('integer'),
  incomplete: leaf('integer'),
  submitted: leaf('integer'),
  unanswered: leaf('integer'),
  all_correct: leaf('boolean'),
};

/** One attempt: one user’s try at one exam, as customers send it. The check, the scan and the tables are derived from it. */
export const ATTEMPT = object({
  keen_id: required(leaf('text')),
  keen_created_at: leaf('epoch'),
  keen_timestamp: leaf('epoch'),
  started_at: required(leaf('timestamp')),
  base_exam_id: required(leaf('text')),
  user_exam_id: required(leaf('text')),
  exam_name: required(leaf('text')),
  certification: leaf('boolean'),
  max_attempts: leaf('integer'),
  sequences: required(
    object({
      id: leaf('text'),
      attempt: leaf('integer'),
      counts: object(COUNTS),
      questions: required(list(QUESTION)),
    }),
  ),
});
