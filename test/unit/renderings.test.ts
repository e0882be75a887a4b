import assert from 'node:assert/strict';
import test from 'node:test';
import { RENDERINGS } from '../../bench/renderings.ts';
import { ATTEMPT } from '../support/attempt-contract.ts';
import type { FieldShape } from '../../records/shape.ts';
import { checkAttempt } from '../../records/check.ts';
import { AttemptScan } from '../../records/scan.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { Random } from '../../simulator/random.ts';
import { mutate, VALUES } from '../support/mutations.ts';
import { renderAtRandom } from '../support/random-rendering.ts';
import { recordValues, scannedValues } from '../support/record-values.ts';

const PLACE = { source: 's', headers: '[]', partition: 0, offset: 0n, publishedMs: undefined };

/** A small attempt with a value of each field. */
const WHOLE = {
  ...{ keen_id: 'k', keen_created_at: '1516717442.735266', keen_timestamp: '1516717442.7352661' },
  ...{ started_at: '2018-01-23T14:23:19.082Z', base_exam_id: 'b', user_exam_id: 'u', exam_name: 'é/"😀' },
  ...{ certification: false, max_attempts: -3 },
  sequences: {
    ...{ id: 's', attempt: 1 },
    counts: {
      ...{ total: 10, correct: 100, incorrect: 2_147_483_647, incomplete: 0, submitted: 7, unanswered: 1 },
      all_correct: true,
    },
    questions: [
      {
        ...{ id: 'q', user_correct: true, user_incomplete: false, user_result: '', user_submitted: true },
        options: [{ id: 'o', checked: true, correct: true, submitted: 1, at: '2018-01-23T14:23:24.670Z' }],
      },
    ],
  },
};

/** Requires that a new scan accepts what the check accepts, with the same values and unknown fields. */
function requireAsChecked(payload: Buffer): boolean {
  const { fault } = checkAttempt(payload);
  const scan = new AttemptScan();
  try {
    assert.equal(scan.tryAdd(payload, PLACE), fault === undefined, `${fault?.reason}: ${payload.toString()}`);
    const accepted = fault === undefined ? [payload.toString()] : [];
    assert.deepEqual(scannedValues(scan), recordValues(accepted, ATTEMPT), payload.toString());
    return fault === undefined;
  } finally {
    scan.release();
  }
}

/** Returns an attempt as text with something else in place of the value of a field. */
function withValue(names: readonly string[], value: string): string {
  const marked = structuredClone(WHOLE) as Record<string, unknown>;
  let at = marked;
  for (const name of names.slice(0, -1)) at = at[name] as Record<string, unknown>;
  at[names.at(-1) ?? ''] = '<here>';
  return JSON.stringify(marked).replace('"<here>"', () => value);
}

/** The names on the way to each field. */
function* namesOf(shape: FieldShape): Generator<string[]> {
  yield [];
  const fields = shape.kind === 'object' ? shape.fields : shape.kind === 'leaf' ? {} : { 0: shape.item };
  for (const [name, field] of Object.entries<FieldShape>(fields))
    for (const names of namesOf(field)) yield [name, ...names];
}

test('the scan and the check agree on each value in each field', () => {
  const fields = [...namesOf(ATTEMPT)].filter((names) => names.length > 0);
  let accepted = 0;
  for (const names of fields)
    for (const value of VALUES) if (requireAsChecked(Buffer.from(withValue(names, value)))) accepted += 1;
  assert.ok(fields.length > 30 && accepted > fields.length * 3, `${accepted} accepted`);
});

test('the scan accepts every rendering of an attempt, with the same values and unknown fields as the check', () => {
  const random = new Random(3);
  for (let round = 0; round < 2_000; round += 1)
    assert.ok(requireAsChecked(Buffer.from(renderAtRandom(WHOLE, ATTEMPT, random))));
});

test('the scan and the check agree on mutations of renderings', () => {
  const random = new Random(5);
  let accepted = 0;
  for (let round = 0; round < 6_000; round += 1) {
    const payload = mutate(renderAtRandom(WHOLE, ATTEMPT, random), random) ?? Buffer.alloc(0);
    if (requireAsChecked(payload)) accepted += 1;
  }
  assert.ok(accepted > 1_000 && accepted < 5_000, `${accepted} accepted`);
});

test('the renderings of the bench mean the same', () => {
  for (const attempt of generateAttempts({ seed: 1, count: 50 })) {
    const plain = { ...attempt };
    const expected = recordValues([JSON.stringify(plain)], ATTEMPT).rows;
    for (const [name, render] of RENDERINGS) {
      const payload = Buffer.from(render(plain));
      assert.notEqual(payload.toString(), JSON.stringify(plain), name);
      assert.ok(requireAsChecked(payload), name);
      assert.deepEqual(recordValues([payload.toString()], ATTEMPT).rows, expected, name);
    }
  }
});

/** Returns an attempt with a value in an unknown field. */
function withUnknown(name: string, value: string): Buffer {
  return Buffer.from(JSON.stringify(WHOLE).replace('{', () => `{${JSON.stringify(name)}:${value},`));
}

test('unknown fields of a rejected message are not counted', () => {
  const scan = new AttemptScan();
  assert.ok(scan.tryAdd(withUnknown('region', '1'), PLACE));
  for (const broken of ['1,', '{"a":1,"a":1}', '"\\ud800"', '01'])
    assert.ok(!scan.tryAdd(withUnknown('region', broken), PLACE), broken);
  assert.ok(!scan.tryAdd(Buffer.from(withUnknown('other', '1').toString().slice(0, -1)), PLACE));
  assert.ok(scan.tryAdd(withUnknown('region', '[]'), PLACE));
  assert.deepEqual(scan.unknown.top(Infinity).unknownFields, { region: 2 });
  assert.deepEqual(scan.unknown.top(Infinity).unknownFields, { region: 2 }, 'they are counted once');
  scan.release();
});

test('any number of unknown names is counted in little memory, whether their messages are accepted or not', () => {
  const scan = new AttemptScan();
  const before = scan.memoryBytes;
  const long = 'x'.repeat(1_000);
  for (let at = 0; at < 30_000; at += 1) {
    assert.ok(scan.tryAdd(withUnknown(`${at} ${long}`, '1'), PLACE));
    assert.ok(!scan.tryAdd(withUnknown(`not ${at} ${long}`, '01'), PLACE));
    if (at % 100 === 0) assert.ok(scan.tryAdd(withUnknown('region', '1'), PLACE));
  }
  const { unknownFields, otherUnknownFields } = scan.unknown.top(1);
  assert.deepEqual(unknownFields, { region: 300 });
  assert.equal(otherUnknownFields.fields, 30_000);
  assert.ok(scan.memoryBytes - before < 64 << 20, `${before} to ${scan.memoryBytes} bytes`);
  scan.release();
});

test('an unknown field as large as a message can be is read in linear time and without recursion', () => {
  const scan = new AttemptScan();
  const depth = 400_000;
  const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`;
  assert.ok(scan.tryAdd(withUnknown('deep', deep), PLACE));
  assert.ok(!scan.tryAdd(withUnknown('deep', deep.slice(1)), PLACE));
  const names = Array.from({ length: 60_000 }, (_, at) => `"same ${(at * 7) % 60_000}"`);
  const membersOf = (all: readonly string[]): string => `{${all.map((name) => `${name}:1`).join(',')}}`;
  assert.ok(scan.tryAdd(withUnknown('wide', membersOf(names)), PLACE));
  assert.ok(!scan.tryAdd(withUnknown('wide', membersOf([...names, '"same 59999"'])), PLACE));
  assert.deepEqual(scan.unknown.top(Infinity).unknownFields, { deep: 1, wide: 1 });
  scan.release();
});
