/**
 * The shape of an attempt as customers send it: its fields, their types, and which are required. The check, the scan and
 * the tables are all derived from it.
 */

/** The type of a single value. `timestamp` is RFC 3339; `epoch` is seconds since 1970, as a number or a string. */
export type ScalarType = 'text' | 'integer' | 'boolean' | 'timestamp' | 'epoch';

/** A field with a single value. */
export interface ScalarShape {
  readonly kind: 'leaf';
  readonly type: ScalarType;
  readonly required: boolean;
}

/** A field with an object of known fields. */
export interface ObjectShape {
  readonly kind: 'object';
  readonly required: boolean;
  readonly fields: Readonly<Record<string, FieldShape>>;
}

/** A field with an array of objects. */
export interface ListShape {
  readonly kind: 'list';
  readonly required: boolean;
  readonly item: ObjectShape;
}

/** Any field. */
export type FieldShape = ScalarShape | ObjectShape | ListShape;

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

/** One attempt: one user's try at one exam. */
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
