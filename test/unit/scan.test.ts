import assert from 'node:assert/strict';
import test from 'node:test';
import { generateAttempts } from '../../simulator/generator.ts';
import { Random } from '../../simulator/random.ts';
import { checkAttempt, type PathCounts } from '../../records/check.ts';
import { AttemptScan } from '../../records/scan.ts';
import { mutate } from '../support/mutations.ts';

const PLACE = { source: 's', headers: '[]', partition: 0, offset: 0n, publishedMs: undefined };

/** Attempts of the generator, like customers' real ones. */
function* texts(seed: number, count: number): Generator<string> {
  for (const attempt of generateAttempts({ seed, count })) yield JSON.stringify(attempt);
}

function sorted(counts: PathCounts): [string, number][] {
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

test('the scan accepts every real attempt, and counts its values as the check does', () => {
  const scan = new AttemptScan();
  const counted: PathCounts = new Map();
  for (const text of texts(1, 500)) {
    const payload = Buffer.from(text);
    assert.ok(scan.tryAdd(payload, PLACE), text);
    for (const [path, count] of checkAttempt(payload).values)
      counted.set(path, (counted.get(path) ?? 0) + count);
  }
  assert.deepEqual(sorted(scan.values()), sorted(counted));
});

test('the scan accepts of mutated attempts what the check accepts, and counts the same values', () => {
  const random = new Random(7);
  let accepted = 0;
  let broken = 0;
  for (const text of texts(2, 20_000)) {
    const payload = mutate(text, random) ?? Buffer.alloc(0);
    const { fault, values } = checkAttempt(payload);
    assert.deepEqual(takenOf(payload), fault === undefined ? sorted(values) : undefined, payload.toString());
    if (fault !== undefined) continue;
    accepted += 1;
    if (payload.toString() !== text) broken += 1;
  }
  assert.ok(accepted > 1_000 && broken > 1_000, `${accepted} accepted, of which ${broken} were changed`);
});

/** Returns the number of values per field that a new scan counts in a message; undefined where it refuses it. */
function takenOf(payload: Buffer): [string, number][] | undefined {
  const scan = new AttemptScan();
  try {
    if (scan.tryAdd(payload, PLACE)) return sorted(scan.values());
    assert.equal(scan.values().size, 0);
    return undefined;
  } finally {
    scan.release();
  }
}

/** Makes a small attempt, whose one option was changed at that time. */
function attemptAt(at: string, maxAttempts = '1'): Buffer {
  const option = `{"id":"o","at":${at}}`;
  const question = `{"id":"q","options":[${option}]}`;
  const exam = '"base_exam_id":"b","user_exam_id":"u","exam_name":"e"';
  return Buffer.from(
    `{"keen_id":"k","started_at":"2018-01-01T00:00:00Z",${exam},"max_attempts":${maxAttempts},"sequences":{"questions":[${question}]}}`,
  );
}

test('a time must be in the years 1 to 9999, and a number an integer of 32 bits', () => {
  const refused = [
    ['"2018-02-29T00:00:00Z"', '1'],
    ['"2018-02-30T00:00:00Z"', '1'],
    ['"2018-13-01T00:00:00Z"', '1'],
    ['"0000-01-01T00:00:00Z"', '1'],
    ['"2018-01-01T24:00:00Z"', '1'],
    ['"2018-01-01T00:00:00+24:00"', '1'],
    ['"2018-01-01T00:00:00+010"', '1'],
    ['"2018-01-01T00:00:00.1234567891Z"', '1'],
    ['"9999-12-31T23:59:59.9999995Z"', '1'],
    ['"0001-01-01T00:00:00+00:01"', '1'],
    ['"2018-01-01T00:0 :00Z"', '1'],
    ['null', '1.5'],
    ['null', '1e10'],
    ['null', '01'],
    ['null', '+1'],
    ['null', '"1.7"'],
    ['null', '"1."'],
    ['null', '2147483648'],
    ['null', '-2147483649'],
    ['null', '10000000000'],
  ] as const;
  for (const [at, maxAttempts] of refused)
    assert.ok(!new AttemptScan().tryAdd(attemptAt(at, maxAttempts), PLACE), `${at} ${maxAttempts}`);
  const taken = [
    ['"2018-12-31T23:59:59.999999Z"', '-1'],
    ['"2018-01-01T00:00:00+00:00"', '1'],
    ['"2016-02-29T00:00:00-23:59"', '1'],
    ['"2018-01-01T00:00:00+0100"', '1'],
    ['"2018-01-01 00:00:00.1234567+01"', '1'],
    ['"0001-01-01T00:00:00-00:01"', '1'],
    ['null', '1.0'],
    ['null', '1e2'],
    ['null', '"1.0"'],
    ['null', '"+01.00"'],
    ['null', '0'],
    ['null', '2147483647'],
    ['null', '-2147483648'],
  ] as const;
  for (const [at, maxAttempts] of taken)
    assert.ok(new AttemptScan().tryAdd(attemptAt(at, maxAttempts), PLACE), `${at} ${maxAttempts}`);
});

test('a refused message leaves neither rows nor values', () => {
  const scan = new AttemptScan();
  const whole = attemptAt('"2018-01-01T00:00:00Z"');
  const broken = Buffer.from(
    whole.toString().replace('"max_attempts":1', '"max_attempts":1.5').replace('"o"', '"p"'),
  );
  const late = Buffer.concat([whole, Buffer.from(']')]);
  for (const payload of [broken, whole, late, broken, whole]) scan.tryAdd(payload, PLACE);
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

test('equal strings have the same number, escaped or not, and different ones never', () => {
  const plain = Array.from({ length: 3000 }, (_, at) => 'x'.repeat(at % 40) + String(at));
  const odd = [
    '',
    'a',
    '\u0000',
    'nul\u0000nul',
    '\ufeffmark',
    '"\\/\b\f\n\r\t',
    'é中😀',
    '😀'.repeat(40),
    '\ud7ff\ue000',
  ];
  const all = [...plain, ...odd];
  const scan = new AttemptScan();
  const id = (text: string): Buffer =>
    Buffer.from(attemptAt('null').toString().replace('"id":"o"', `"id":${text}`), 'utf8');
  for (const text of all) assert.ok(scan.tryAdd(id(JSON.stringify(text)), PLACE), text);
  for (const text of all) assert.ok(scan.tryAdd(id(escaped(text)), PLACE), text);
  for (const text of [
    '"\\ud83d"',
    '"\\ude00"',
    '"\\ud83d\\ud83d"',
    '"\\ud83dx"',
    '"\\u12g4"',
    '"\\u123"',
    '"\\x"',
    '"\n"',
  ])
    assert.ok(!scan.tryAdd(id(text), PLACE), text);
  const column = scan.levels[2]?.columns.find(({ name }) => name.endsWith('.id'));
  assert.ok(column);
  const { texts, values } = column;
  assert.deepEqual([texts.size, texts.hasZero, scan.attempts.rows], [all.length, true, 2 * all.length]);
  for (const [row, text] of [...all, ...all].entries()) {
    assert.equal(values[row], row % all.length);
    assert.equal(Buffer.from(texts.bytesOf(row % all.length)).toString('utf8'), text);
  }
});

test('strings are compared by more than their hashes, some of which collide among 300,000', () => {
  const { headers } = new AttemptScan();
  const count = 300_000;
  for (let at = 0; at < count; at += 1) assert.equal(headers.addText(at.toString(36).padStart(8, '0')), at);
  assert.equal(headers.texts.size, count);
});

/** Writes a string in JSON with escapes alone. */
function escaped(text: string): string {
  const units = Array.from({ length: text.length }, (_, at) =>
    text.charCodeAt(at).toString(16).padStart(4, '0'),
  );
  return `"${units.map((digits) => `\\u${digits}`).join('')}"`;
}

test('a scan has no data of a previous one whose memory it reuses', () => {
  const first = new AttemptScan([10_000, 10_000, 10_000]);
  for (let at = 0; at < 9000; at += 1) first.tryAdd(attemptAt('"2018-01-01T00:00:00Z"'), PLACE);
  first.release();
  const second = new AttemptScan();
  assert.ok(second.tryAdd(attemptAt('null'), { ...PLACE, headers: 'other', offset: 7n }));
  const third = new AttemptScan();
  assert.ok(third.tryAdd(attemptAt('null'), PLACE));
  assert.deepEqual(
    second.levels.map(({ rows, columns }) => [rows, columns.map(({ count }) => count > 1)]),
    third.levels.map(({ columns }) => [1, columns.map(() => false)]),
  );
  assert.equal(second.values().get('sequences.questions[].options[].at'), undefined);
  assert.deepEqual([second.headers.texts.size, second.offset.values[0], third.offset.values[0]], [1, 7n, 0n]);
});

test('memory that is returned twice is reused once', () => {
  const before = new AttemptScan();
  before.release();
  before.release();
  const [one, other] = [new AttemptScan(), new AttemptScan()];
  for (const text of texts(3, 5)) assert.ok(one.tryAdd(Buffer.from(text), PLACE));
  assert.equal(other.values().size, 0);
  for (const text of texts(4, 2)) assert.ok(other.tryAdd(Buffer.from(text), PLACE));
  assert.equal(one.attempts.rows, 5);
  for (const scan of [one, other]) scan.release();
});

test('the expected size of a batch affects only its initial capacity', () => {
  const payload = attemptAt('"2018-01-01T00:00:00Z"');
  for (const expected of [[], [0.5], [5000, 1, 1], [1, 1e15, 0]]) {
    const scan = new AttemptScan(expected);
    for (let at = 0; at < 9000; at += 1) scan.tryAdd(payload, PLACE);
    assert.deepEqual(
      scan.levels.map(({ rows, room }) => [rows, room % 64, room >= rows]),
      scan.levels.map(() => [9000, 0, true]),
    );
  }
});
