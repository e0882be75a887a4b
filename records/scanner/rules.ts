/** Checks the values of a field against the rules of its shape. */
import { ColumnBuffer } from './columns';
import { allocate, reallocate } from './memory';
import { Field, Kind } from './shapes';

/** Returns whether a test, by its number, accepts a string. */
declare function isAccepted(test: u32, from: usize, length: usize): bool;

const FIRST_VERDICTS: u32 = 1 << 8;

/** Returns whether a row's value, which is not null, is accepted. */
export function isAllowed(field: Field, row: u32): bool {
  const values = field.column.values;
  if (field.type === Kind.Text) return !field.hasTest || isAllowedText(field, load<u32>(values + (row << 2)));
  if (field.type === Kind.Integer) return isWithin(field, load<i32>(values + (row << 2)) as i64);
  if (field.type === Kind.Double) {
    const number = load<f64>(values + (row << 3));
    return number >= field.minDouble && number <= field.maxDouble;
  }
  const isLong = field.type === Kind.Long || field.type === Kind.Decimal;
  return !isLong || isWithin(field, load<i64>(values + (row << 3)));
}

function isWithin(field: Field, number: i64): bool {
  return number >= field.min && number <= field.max;
}

/** Returns whether a distinct string is accepted, by its number: each is tested once, when it is new. */
function isAllowedText(field: Field, number: u32): bool {
  const column = field.column;
  if (number === column.judged) judge(column, field.test, number);
  return load<u8>(column.verdicts + number) !== 0;
}

function judge(column: ColumnBuffer, test: u32, number: u32): void {
  if (number === column.maxVerdicts) {
    const more = max(FIRST_VERDICTS, 2 * number);
    column.verdicts = number === 0 ? allocate(more) : reallocate(column.verdicts, number, more);
    column.maxVerdicts = more;
  }
  const start: usize = load<u32>(column.texts.starts + (number << 2));
  const end: usize = load<u32>(column.texts.starts + (number << 2), 4);
  store<u8>(column.verdicts + number, isAccepted(test, column.texts.bytes + start, end - start) ? 1 : 0);
  column.judged = number + 1;
}
