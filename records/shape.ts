/** The shape of a record: its fields, their types, and which are required. */

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
