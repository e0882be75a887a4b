import assert from 'node:assert/strict';
import test from 'node:test';
import { checkAttempt } from '../../records/check.ts';
import { AttemptScan } from '../../records/scan.ts';
import type { FieldShape, RecordShape, ScalarShape, ScalarType } from '../../records/shape.ts';

const PLACE = { source: 's', headers: '[]', partition: 0, offset: 0n, publishedMs: undefined };

function leaf(type: ScalarType, more: Partial<ScalarShape> = {}): ScalarShape {
  return { kind: 'leaf', type, required: false, ...more };
}

function object(
  fields: Record<string, FieldShape>,
  textField?: string,
): Extract<FieldShape, { kind: 'object' }> {
  return { kind: 'object', required: false, fields, ...(textField !== undefined && { textField }) };
}

/** Returns the fault of a record, which the scan must find too. */
function faultOf(shape: RecordShape, record: string): string {
  const { fault } = checkAttempt(Buffer.from(record), shape);
  const scan = new AttemptScan([], shape);
  assert.equal(scan.tryAdd(Buffer.from(record), PLACE), fault === undefined, record);
  scan.release();
  return fault === undefined ? 'none' : `${fault.path}: ${fault.reason}`;
}

function faultOfValue(field: FieldShape, value: string): string {
  return faultOf(object({ f: field }), `{"f":${value}}`);
}

test('a number that would be rounded is refused, and one of 64 bits is not', () => {
  assert.equal(faultOfValue(leaf('long'), '9223372036854775807'), 'none');
  assert.match(
    faultOfValue(leaf('long'), '9223372036854775808'),
    /^f: must be a whole number of 64 bits, is a number/,
  );
  assert.match(faultOfValue(leaf('long'), '1.5'), /is a fraction$/);
  const decimal = leaf('decimal', { digits: { precision: 5, scale: 2 } });
  assert.equal(faultOfValue(decimal, '"999.990"'), 'none');
  assert.match(faultOfValue(decimal, '0.125'), /^f: must be a number of 5 digits, 2 of them decimals/);
  assert.match(faultOfValue(decimal, '1000'), /^f: must be a number of 5 digits, 2 of them decimals/);
  assert.match(faultOfValue(leaf('double'), '1e309'), /^f: must be a number of a 64-bit float/);
});

test('a number with an exponent as long as its decimals is what it says', () => {
  const one = `0.${'0'.repeat(1_000_001)}1e1000002`;
  for (const type of ['integer', 'long', 'double', 'decimal'] as const)
    assert.equal(faultOfValue(leaf(type), one), 'none', type);
});

test('a strict field refuses strings of its values', () => {
  for (const [type, value] of [
    ['integer', '1'],
    ['long', '1'],
    ['double', '0.5'],
    ['boolean', 'true'],
    ['epoch', '1'],
  ] as const) {
    assert.equal(faultOfValue(leaf(type), `"${value}"`), 'none', type);
    assert.match(faultOfValue(leaf(type, { isStrict: true }), `"${value}"`), /, is a text$/, type);
    assert.equal(faultOfValue(leaf(type, { isStrict: true }), value), 'none', type);
  }
});

test('rules are in the reason, and the value is not', () => {
  const texts = { values: ['red', 'green'] };
  assert.equal(
    faultOfValue(leaf('text', { texts }), '"secret"'),
    'f: must be a text that is one of "red", "green", is another text',
  );
  assert.equal(faultOfValue(leaf('integer', { bounds: { min: '3' } }), '2'), 'f: must be at least 3');
});

test('paths quote names with special characters, and name keys and indexes', () => {
  const shape = object({
    'a.b': { kind: 'map', required: false, item: { kind: 'list', required: false, item: leaf('date') } },
    '@id': leaf('integer'),
  });
  assert.match(faultOf(shape, '{"a.b":{"x y":["2018-01-31","no"]}}'), /^"a\.b"\."x y"\[1\]: must be a date/);
  assert.match(faultOf(shape, '{"@id":"x"}'), /^"@id": must be a whole number/);
});

test('a string stands for an object with one field', () => {
  const shape = object({ actor: object({ id: leaf('text'), name: leaf('text') }, 'id') });
  assert.equal(faultOf(shape, '{"actor":"a"}'), 'none');
  const { values } = checkAttempt(Buffer.from('{"actor":"a"}'), shape);
  assert.deepEqual([...values], [['actor.id', 1]]);
  const required = object({
    actor: object({ id: leaf('text'), name: leaf('text', { required: true }) }, 'id'),
  });
  assert.equal(faultOf(required, '{"actor":"a"}'), 'actor.name: is missing');
  assert.match(faultOf(shape, '{"actor":1}'), /^actor: must be an object, is a number/);
});

test('a record without a kind is refused by the field that decides', () => {
  const kinds = [
    { name: 'Grade', values: ['Grade'], shape: object({ type: leaf('text'), score: leaf('double') }) },
  ];
  const shape: RecordShape = { kind: 'match', field: 'type', kinds };
  assert.equal(faultOf(shape, '{"score":1,"type":"Grade"}'), 'none');
  assert.equal(faultOf(shape, '{"score":1}'), 'type: is missing');
  assert.equal(faultOf(shape, '{"type":null}'), 'type: must name the kind of record, is null');
  assert.equal(faultOf(shape, '{"type":3}'), 'type: must name the kind of record, is a number');
  assert.match(faultOf(shape, '{"type":"Note"}'), /^type: must name a kind of record of the contract/);
  assert.match(faultOf(shape, '{"type":"Grade","score":"x"}'), /^score: must be a number/);
});
