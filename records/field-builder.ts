import type {
  FieldShape,
  ListShape,
  MapShape,
  MatchShape,
  ObjectShape,
  RecordShape,
  ScalarShape,
} from './shape.ts';
import { joinPath, quoteName, VALUE_NAME } from './field-paths.ts';
import { boundOf, isQuotable, MAX_DECIMAL_DIGITS } from './scalar-types.ts';
import { COLUMN_TYPE_OF, type RowRole, type RowSet } from './scan-columns.ts';
import type { Address, Scanner } from './scanner.ts';
import { textTestOf } from './text-rules.ts';

/** The kinds of fields, in the order of the enum `Kind` of `scanner/shapes.ts`. */
const KINDS = [
  ...([
    'text',
    'integer',
    'boolean',
    'timestamp',
    'epoch',
    'object',
    'list',
    'long',
    'double',
    'decimal',
  ] as const),
  ...(['date', 'epoch-millis', 'epoch-micros', 'json', 'map', 'object-or-text'] as const),
];

const MIN_LONG = -(2n ** 63n);
const MAX_LONG = 2n ** 63n - 1n;

/** An object's shape in the scanner. */
export interface BuiltShape {
  readonly address: Address;
  /** The path of the object. */
  readonly path: string;
  /** The number of its fields. */
  readonly fields: number;
}

/** Adds a level to a scan. */
type AddLevel = (role: RowRole, path: string, parent: RowSet) => RowSet;

/** Builds the fields of a record's shape, with their columns and levels, in a scanner. */
export class FieldBuilder {
  /** The shapes of all objects. */
  readonly shapes: BuiltShape[] = [];
  readonly #scanner: Scanner;
  readonly #addLevel: AddLevel;

  constructor(scanner: Scanner, addLevel: AddLevel) {
    this.#scanner = scanner;
    this.#addLevel = addLevel;
  }

  /** Builds a record's shape, with the columns of its fields in a level; returns its address. */
  buildRecord(shape: RecordShape, level: RowSet): Address {
    if (shape.kind === 'object') return this.#shapeOf(shape, '', level);
    this.#addKinds(shape, level);
    return this.#scanner.exports.newShape(0);
  }

  #addKinds({ field, kinds }: MatchShape, level: RowSet): void {
    const { exports } = this.#scanner;
    exports.setMatch(this.#put(field));
    for (const { name, values, shape } of kinds) {
      const path = quoteName(name);
      const rows = this.#addLevel('record', path, level);
      const kind = exports.addKind(rows.address, this.#shapeOf(shape, path, rows));
      for (const value of values) exports.addKindText(kind, this.#put(value));
    }
  }

  /** Copies a text to the input buffer; returns its length. */
  #put(text: string): number {
    const bytes = Buffer.from(text, 'utf8');
    this.#scanner.put(bytes);
    return bytes.length;
  }

  #shapeOf({ fields, textField }: ObjectShape, path: string, level: RowSet): Address {
    const { exports } = this.#scanner;
    const members = Object.entries(fields);
    const shape = exports.newShape(members.length);
    this.shapes.push({ address: shape, path, fields: members.length });
    for (const [name, field] of members) {
      const length = this.#put(`,${JSON.stringify(name)}:`);
      const made = exports.addField(shape, length, Number(field.required), KINDS.indexOf(kindOf(field)));
      this.#define(made, field, joinPath(path, quoteName(name)), level);
      if (name === textField) exports.setTextField(shape, made);
    }
    return shape;
  }

  #define(made: Address, field: FieldShape, path: string, level: RowSet): void {
    const { exports } = this.#scanner;
    if (field.kind === 'leaf') this.#defineScalar(made, field, path, level);
    else if (field.kind === 'object') exports.setObject(made, this.#shapeOf(field, path, level));
    else this.#defineItems(made, field, path, level);
  }

  #defineItems(made: Address, field: ListShape | MapShape, path: string, level: RowSet): void {
    const { exports } = this.#scanner;
    const lengths = level.column(path, 'list', 'INTEGER');
    const isList = field.kind === 'list';
    const items = this.#addLevel(isList ? 'item' : 'entry', `${path}${isList ? '[]' : '{}'}`, level);
    if (isList) exports.setList(made, lengths.address, items.address, this.#itemOf(field.item, items));
    else {
      const keys = items.column(items.path, 'key', 'VARCHAR');
      exports.setMap(made, lengths.address, items.address, keys.address, this.#itemOf(field.item, items));
    }
  }

  #itemOf(item: FieldShape, items: RowSet): Address {
    const isObject = item.kind === 'object';
    const made = this.#scanner.exports.newItem(
      Number(isObject || item.required),
      KINDS.indexOf(kindOf(item)),
    );
    this.#define(made, item, isObject ? items.path : joinPath(items.path, VALUE_NAME), items);
    return made;
  }

  #defineScalar(made: Address, field: ScalarShape, path: string, level: RowSet): void {
    const { exports } = this.#scanner;
    const { type, digits, texts, isStrict = false, bounds } = field;
    exports.setScalar(made, level.column(path, 'field', COLUMN_TYPE_OF[type], digits).address);
    if (type === 'decimal')
      exports.setDecimal(made, digits?.precision ?? MAX_DECIMAL_DIGITS, digits?.scale ?? 0);
    if (isStrict && isQuotable(type)) exports.setStrict(made);
    if (type === 'text' && texts !== undefined)
      exports.setTest(made, this.#scanner.addTest(textTestOf(texts)));
    if (bounds !== undefined) this.#setBounds(made, field);
  }

  #setBounds(made: Address, shape: ScalarShape): void {
    const { min, max } = shape.bounds ?? {};
    const least = min === undefined ? undefined : boundOf(min, shape);
    const most = max === undefined ? undefined : boundOf(max, shape);
    const { exports } = this.#scanner;
    if (shape.type === 'double')
      exports.setDoubleBounds(made, Number(least ?? -Infinity), Number(most ?? Infinity));
    else exports.setIntegerBounds(made, BigInt(least ?? MIN_LONG), BigInt(most ?? MAX_LONG));
  }
}

function kindOf(field: FieldShape): (typeof KINDS)[number] {
  if (field.kind === 'object' && field.textField !== undefined) return 'object-or-text';
  return field.kind === 'leaf' ? field.type : field.kind;
}
