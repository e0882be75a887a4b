import assert from 'node:assert/strict';
import test from 'node:test';
import { attempts } from '../../services/platform/generator.ts';
import { Random } from '../../services/platform/random.ts';
import { addCounts, checkAttempt, type PathCounts } from '../../tables/check.ts';
import { plainText } from '../../tables/plain.ts';
import { AttemptScan } from '../../tables/scan.ts';
import { mutate } from '../mutations.ts';

const PLACE = { source: 's', partition: 0, offset: 0n, publishedMs: undefined };

/** Attempts of the generator, as customers send them. */
function* texts(seed: number, count: number): Generator<string> {
  for (const attempt of attempts({ seed, count })) yield JSON.stringify(attempt);
}

function sorted(counts: PathCounts): [string, number][] {
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

test('the scan accepts every attempt that is as customers send it, and counts its values as the check does', () => {
  const scan = new AttemptScan();
  const counted: PathCounts = new Map();
  for (const text of texts(1, 500)) {
    const payload = Buffer.from(text);
    assert.ok(scan.takes(payload, PLACE), text);
    addCounts(counted, checkAttempt(payload).values);
  }
  assert.deepEqual(sorted(scan.values()), sorted(counted));
});

test('of broken attempts the scan accepts none that the check refuses, or in which the check finds other values', () => {
  const random = new Random(7);
  let accepted = 0;
  let broken = 0;
  for (const text of texts(2, 20_000)) {
    const payload = mutate(text, random) ?? Buffer.alloc(0);
    const scan = new AttemptScan();
    if (!scan.takes(payload, PLACE)) {
      assert.equal(scan.values().size, 0);
      continue;
    }
    accepted += 1;
    if (payload.toString() !== text) broken += 1;
    const { fault, values, unknown } = checkAttempt(payload);
    assert.equal(fault, undefined, payload.toString());
    assert.deepEqual(sorted(scan.values()), sorted(values), payload.toString());
    assert.equal(unknown.size, 0, payload.toString());
  }
  assert.ok(accepted > 1_000 && broken > 1_000, `${accepted} accepted, of which ${broken} were changed`);
});

/** A small attempt, whose one option was changed then. */
function attemptAt(at: string, maxAttempts = '1'): Buffer {
  const option = `{"id":"o","at":${at}}`;
  const question = `{"id":"q","options":[${option}]}`;
  const exam = '"base_exam_id":"b","user_exam_id":"u","exam_name":"e"';
  return Buffer.from(
    `{"keen_id":"k","started_at":"2018-01-01T00:00:00Z",${exam},"max_attempts":${maxAttempts},"sequences":{"questions":[${question}]}}`,
  );
}

test('what is uncommon is left to the check', () => {
  const left = [
    ['"2018-02-29T00:00:00Z"', '1'],
    ['"2018-02-30T00:00:00Z"', '1'],
    ['"2018-13-01T00:00:00Z"', '1'],
    ['"0000-01-01T00:00:00Z"', '1'],
    ['"2018-01-01T24:00:00Z"', '1'],
    ['"2018-01-01T00:00:00+24:00"', '1'],
    ['"2018-01-01T00:00:00+0100"', '1'],
    ['"2018-01-01T00:00:00.1234567Z"', '1'],
    ['"2018-01-01T00:0 :00Z"', '1'],
    ['null', '1.0'],
    ['null', '1e2'],
    ['null', '01'],
    ['null', '+1'],
    ['null', '"1.7"'],
    ['null', '"1."'],
    ['null', '2147483648'],
    ['null', '-2147483649'],
    ['null', '10000000000'],
  ] as const;
  for (const [at, maxAttempts] of left)
    assert.ok(!new AttemptScan().takes(attemptAt(at, maxAttempts), PLACE), `${at} ${maxAttempts}`);
  const taken = [
    ['"2018-12-31T23:59:59.999999Z"', '-1'],
    ['"2018-01-01T00:00:00+00:00"', '1'],
    ['"2016-02-29T00:00:00-23:59"', '1'],
    ['null', '"1.0"'],
    ['null', '"+01.00"'],
    ['null', '0'],
    ['null', '2147483647'],
    ['null', '-2147483648'],
  ] as const;
  for (const [at, maxAttempts] of taken)
    assert.ok(new AttemptScan().takes(attemptAt(at, maxAttempts), PLACE), `${at} ${maxAttempts}`);
});

test('what the check takes and the scan does not, the scan takes once it is put plainly', () => {
  const random = new Random(11);
  let put = 0;
  for (const text of texts(3, 20_000)) {
    const payload = mutate(text, random) ?? Buffer.alloc(0);
    const { fault, values, attempt } = checkAttempt(payload);
    if (fault !== undefined || new AttemptScan().takes(payload, PLACE)) continue;
    const scan = new AttemptScan();
    assert.ok(scan.takes(plainText(attempt), PLACE), payload.toString());
    assert.deepEqual(sorted(scan.values()), sorted(values), payload.toString());
    put += 1;
  }
  assert.ok(put > 500, String(put));
});

test('of a message that it does not take nothing stays, neither rows nor values', () => {
  const scan = new AttemptScan();
  const whole = attemptAt('"2018-01-01T00:00:00Z"');
  const broken = Buffer.from(
    whole.toString().replace('"max_attempts":1', '"max_attempts":1.5').replace('"o"', '"p"'),
  );
  const late = Buffer.concat([whole, Buffer.from(']')]);
  for (const payload of [broken, whole, late, broken, whole]) scan.takes(payload, PLACE);
  assert.deepEqual(
    scan.levels.map(({ path, rows }) => [path, rows]),
    [
      ['', 2],
      ['sequences.questions[]', 2],
      ['sequences.questions[].options[]', 2],
    ],
  );
  assert.equal(scan.values().get('sequences.questions[].options[].at'), 2);
});

test('what is expected of a batch changes nothing but the room that it has at first', () => {
  const payload = attemptAt('"2018-01-01T00:00:00Z"');
  for (const expected of [[], [0.5], [5000, 1, 1], [1, 1e15, 0]]) {
    const scan = new AttemptScan(expected);
    for (let at = 0; at < 9000; at += 1) scan.takes(payload, PLACE);
    assert.deepEqual(
      scan.levels.map(({ rows, room }) => [rows, room % 64, room >= rows]),
      scan.levels.map(() => [9000, 0, true]),
    );
  }
});
