/** The shape of a record: its fields, their types, and which are required. */

/**
 * The type of a single value:
 * - `text`: any string.
 * - `integer`: a whole number of 32 bits.
 * - `long`: a whole number of 64 bits.
 * - `double`: a number, rounded to the nearest 64-bit float.
 * - `decimal`: a number with at most {@link DecimalDigits}, exact.
 * - `boolean`: true or false.
 * - `date`: a string as `2018-01-31`.
 * - `timestamp`: an RFC 3339 string.
 * - `epoch`, `epoch-millis`, `epoch-micros`: seconds, milliseconds or microseconds since 1970, as a number or a string.
 * - `json`: any value, kept as its JSON text.
 */
export type ScalarType =
  | 'text'
  | 'integer'
  | 'long'
  | 'double'
  | 'decimal'
  | 'boolean'
  | 'date'
  | 'timestamp'
  | 'epoch'
  | 'epoch-millis'
  | 'epoch-micros'
  | 'json';

/** The digits of a decimal: at most 18 in all, `scale` of them after the point. */
export interface DecimalDigits {
  readonly precision: number;
  readonly scale: number;
}

/** Which texts are accepted; lengths are in Unicode characters. */
export interface TextRules {
  readonly values?: readonly string[];
  /** A JavaScript regular expression (flag `u`) that matches somewhere in the text. */
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** The smallest and largest number accepted, both inclusive; exact, as JSON numbers. */
export interface NumberBounds {
  readonly min?: string;
  readonly max?: string;
}

/** A field with a single value. */
export interface ScalarShape {
  readonly kind: 'leaf';
  readonly type: ScalarType;
  readonly required: boolean;
  /** Whether strings of numbers and booleans are refused, as "1.0" or "false"; by default they are accepted. */
  readonly isStrict?: boolean;
  /** Of a `decimal`. */
  readonly digits?: DecimalDigits;
  /** Of a `text`. */
  readonly texts?: TextRules;
  /** Of an `integer`, `long`, `double` or `decimal`. */
  readonly bounds?: NumberBounds;
}

/** A field with an object of known fields. */
export interface ObjectShape {
  readonly kind: 'object';
  readonly required: boolean;
  readonly fields: Readonly<Record<string, FieldShape>>;
  /**
   * A scalar field for which a string may stand: with `id`, the string "a" is read as {"id": "a"}. Not for a record itself.
   */
  readonly textField?: string;
}

/** A field with an array. A null item is refused if the items are required or objects. */
export interface ListShape {
  readonly kind: 'list';
  readonly required: boolean;
  readonly item: FieldShape;
}

/** A field with an object whose names are data, as a list of keys and values. Null values follow the rule of items. */
export interface MapShape {
  readonly kind: 'map';
  readonly required: boolean;
  readonly item: FieldShape;
}

/** Any field. */
export type FieldShape = ScalarShape | ObjectShape | ListShape | MapShape;

/** Records of several kinds, told apart by the text of one field. */
export interface MatchShape {
  readonly kind: 'match';
  /** The name of a field of the record itself. */
  readonly field: string;
  /** The kinds, in order; a record is of the first that has its value. */
  readonly kinds: readonly RecordKind[];
}

/** One kind of record. */
export interface RecordKind {
  /** Its name, which is the path of its rows. */
  readonly name: string;
  /** The texts of the deciding field. */
  readonly values: readonly string[];
  readonly shape: ObjectShape;
}

/** A whole record. */
export type RecordShape = ObjectShape | MatchShape;
