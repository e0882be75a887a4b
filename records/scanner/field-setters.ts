/** Sets what a field is, once it has been created. */
import { ColumnBuffer, Level } from './columns';
import { Field, Kind, Shape } from './shapes';

/** Makes a field a scalar, with the column of its values. */
export function setScalar(field: Field, column: ColumnBuffer): void {
  field.column = column;
}

/** Makes a field an object of a shape. */
export function setObject(field: Field, shape: Shape): void {
  field.shape = shape;
}

/** Makes a field a list, with the column of its lengths and the level and field of its items. */
export function setList(field: Field, lengths: ColumnBuffer, items: Level, item: Field): void {
  field.column = lengths;
  field.items = items;
  field.item = item;
}

/** Makes a field a map, with the column of its lengths and the level, the keys' column and the field of its items. */
export function setMap(
  field: Field,
  lengths: ColumnBuffer,
  items: Level,
  keys: ColumnBuffer,
  item: Field,
): void {
  setList(field, lengths, items, item);
  field.keys = keys;
}

/** Sets the field of a shape for which a string may stand. */
export function setTextField(shape: Shape, field: Field): void {
  shape.textField = field;
}

/** Sets the digits of a decimal. */
export function setDecimal(field: Field, precision: i32, scale: i32): void {
  field.precision = precision;
  field.scale = scale;
}

/** Refuses strings of numbers and booleans. */
export function setStrict(field: Field): void {
  field.kind = Kind.Ruled;
  field.isStrict = true;
}

/** Sets the inclusive bounds of whole numbers, or of decimals in units of their last decimal. */
export function setIntegerBounds(field: Field, min: i64, max: i64): void {
  field.kind = Kind.Ruled;
  field.min = min;
  field.max = max;
}

/** Sets the inclusive bounds of floats. */
export function setDoubleBounds(field: Field, min: f64, max: f64): void {
  field.kind = Kind.Ruled;
  field.minDouble = min;
  field.maxDouble = max;
}

/** Sets the test of strings, by its number. */
export function setTest(field: Field, test: u32): void {
  field.kind = Kind.Ruled;
  field.hasTest = true;
  field.test = test;
}
