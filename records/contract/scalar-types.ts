import type { ColumnScalarType } from './definition.ts';
import type { Element } from './element.ts';

/** The types of single values: the standard's logical type, how it is written in JSON, and the column. */
export const SCALAR_TYPES: readonly {
  readonly logicalType: string;
  readonly encoding?: string;
  readonly type: ColumnScalarType;
  readonly note: string;
}[] = [
  { logicalType: 'string', type: 'text', note: 'A JSON string.' },
  {
    logicalType: 'integer',
    type: 'integer',
    note: 'A whole number of 32 bits, as a number or a text: `"1.0"` is 1, and 1.7 quarantines its message. `format: i32` may be given, and is the default.',
  },
  { logicalType: 'boolean', type: 'boolean', note: 'true or false, or one of these as a text.' },
  { logicalType: 'timestamp', encoding: 'rfc3339', type: 'timestamp', note: 'RFC 3339, with an offset.' },
  {
    logicalType: 'timestamp',
    encoding: 'epochSeconds',
    type: 'epoch',
    note: 'Seconds since 1970, as a number or a text.',
  },
];

/** Returns the type of a single value; an issue and undefined if it is not supported. */
export function readScalarType(
  property: Element,
  logicalType: string,
  encoding: Element | undefined,
): ColumnScalarType | undefined {
  const types = SCALAR_TYPES.filter((one) => one.logicalType === logicalType);
  const [first] = types;
  if (first === undefined) {
    const known = new Set(SCALAR_TYPES.map((one) => one.logicalType));
    property.refuse(`is not supported: use ${[...known].join(', ')}, object or array`, 'logicalType');
    return undefined;
  }
  readOptions(property, logicalType);
  const name = encoding?.text('value');
  const found = encoding === undefined ? first : types.find((one) => one.encoding === name);
  if (found === undefined) {
    const known = types.map((one) => one.encoding).filter((one) => one !== undefined);
    encoding?.refuse(
      known.length === 0
        ? `a ${logicalType} has no other encoding`
        : `must be ${known.join(' or ')} for a ${logicalType}`,
      'value',
    );
  }
  return found?.type;
}

/** Refuses options that a type does not have, and values of them that are not supported. */
export function readOptions(property: Element, logicalType: string): void {
  const options = property.element('logicalTypeOptions', 'options');
  if (options === undefined) return;
  const format = options.text('format');
  if (format !== undefined && !(logicalType === 'integer' && format === 'i32'))
    options.refuse(
      logicalType === 'integer' ? 'must be i32' : `is not supported for a ${logicalType}`,
      'format',
    );
  if (options.has('timezone') && !(logicalType === 'timestamp' && options.flag('timezone')))
    options.refuse('must be true, for a timestamp', 'timezone');
}
