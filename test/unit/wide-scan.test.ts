import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import type { ObjectShape, FieldShape } from '../../records/shape.ts';
import { Random } from '../../simulator/random.ts';
import { checkAttempt, type PathCounts } from '../../records/check.ts';
import { AttemptScan } from '../../records/scan.ts';

const PLACE = { source: 's', headers: '[]', partition: 0, offset: 0n, publishedMs: undefined };

type Member = readonly [name: string, value: unknown];

/** Makes the shape of an object of `size` integers; every third one and the last one are required. */
function wide(size: number): ObjectShape {
  const leafAt = (at: number): FieldShape => ({
    kind: 'leaf',
    type: 'integer',
    required: (size - 1 - at) % 3 === 0,
  });
  const names = Array.from({ length: size }, (_, at) => `field${at}`);
  return {
    kind: 'object',
    required: true,
    fields: Object.fromEntries(names.map((name, at) => [name, leafAt(at)])),
  };
}

function membersOf(shape: ObjectShape): Member[] {
  return Object.keys(shape.fields).map((name, at) => [name, at]);
}

/** Formats an object as JSON; members may be duplicate. */
function textOf(members: readonly Member[]): string {
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}

function sorted(counts: PathCounts): [string, number][] {
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Checks that the scan accepts or refuses a text, and counts its values, as the check does. */
function requireAsChecked(scan: AttemptScan, shape: ObjectShape, text: string, isRight: boolean): void {
  const { fault, values } = checkAttempt(Buffer.from(text), shape);
  assert.equal(fault === undefined, isRight, `the check, of ${text}`);
  const before = scan.values();
  assert.equal(scan.tryAdd(Buffer.from(text), PLACE), isRight, `the scan, of ${text}`);
  const after = [...scan.values()].map(([path, count]) => [path, count - (before.get(path) ?? 0)] as const);
  const met = new Map(after.filter(([, count]) => count > 0));
  assert.deepEqual(sorted(met), isRight ? sorted(values) : [], text);
}

for (const size of [31, 32, 33, 64, 65, 200]) {
  void describe(`the scan of an object of ${size} fields`, () => {
    const shape = wide(size);
    const members = membersOf(shape);

    test('accepts all fields, in any order', () => {
      const scan = new AttemptScan([], shape);
      const random = new Random(size);
      requireAsChecked(scan, shape, textOf(members), true);
      for (let round = 0; round < 5; round += 1)
        requireAsChecked(scan, shape, textOf(random.shuffle([...members])), true);
      scan.release();
    });

    test('accepts an object without each optional field, and refuses one without each required field', () => {
      const scan = new AttemptScan([], shape);
      for (const [name] of members) {
        const others = textOf(members.filter(([other]) => other !== name));
        requireAsChecked(scan, shape, others, shape.fields[name]?.required === false);
      }
      requireAsChecked(scan, shape, textOf(members.filter(([name]) => shape.fields[name]?.required)), true);
      requireAsChecked(scan, shape, '{}', false);
      scan.release();
    });

    test('refuses each duplicate field, and keeps nothing of its object for the next one', () => {
      const scan = new AttemptScan([], shape);
      for (const member of members) requireAsChecked(scan, shape, textOf([...members, member]), false);
      requireAsChecked(scan, shape, textOf(members), true);
      assert.equal(scan.attempts.rows, 1);
      scan.release();
    });

    test('accepts numbers with a fraction and an exponent, and unknown fields between the known ones', () => {
      const scan = new AttemptScan([], shape);
      requireAsChecked(scan, shape, textOf(members).replaceAll(/:(\d+)/g, ':$1.0e0'), true);
      const unknown = members.flatMap(([name, value]): Member[] => [
        [`${name}x`, value],
        [name, value],
      ]);
      requireAsChecked(scan, shape, textOf(unknown), true);
      const counts = scan.unknown.top(Infinity);
      assert.deepEqual(counts.unknownFields, Object.fromEntries(members.map(([name]) => [`${name}x`, 1])));
      scan.release();
    });

    test('distinguishes the fields of an object from those of nested objects and items', () => {
      const list: FieldShape = { kind: 'list', required: true, item: wide(size) };
      const nested: ObjectShape = {
        ...shape,
        fields: { inner: wide(size), ...shape.fields, items: list },
      };
      const scan = new AttemptScan([], nested);
      const whole = Object.fromEntries(members);
      const { [`field${size - 1}`]: last, ...lacking } = whole;
      assert.equal(last, size - 1);
      const textWith = (inner: unknown, items: unknown): string =>
        textOf([['inner', inner], ...members, ['items', items]]);
      requireAsChecked(scan, nested, textWith(whole, [whole, whole, whole]), true);
      requireAsChecked(scan, nested, textWith(whole, []), true);
      requireAsChecked(scan, nested, textWith(lacking, [whole]), false);
      requireAsChecked(scan, nested, textWith(whole, [whole, lacking]), false);
      requireAsChecked(scan, nested, textWith(whole, [lacking, whole]), false);
      requireAsChecked(scan, nested, textWith(whole, [whole]), true);
      scan.release();
    });
  });
}
