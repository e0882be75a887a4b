import assert from 'node:assert/strict';
import test from 'node:test';
import { Random } from '../../simulator/random.ts';
import { checkAttempt } from '../../records/check.ts';
import { AttemptScan } from '../../records/scan.ts';
import { deltaStats } from '../../steps/transform/column-statistics.ts';
import { attempts } from '../support/attempt-contract.ts';
import { userOf } from '../../records/user.ts';

const PLACE = { source: 's', headers: '[]', partition: 0, offset: 0n, publishedMs: undefined };

const EARLIEST = -62_135_596_800_000_000n;
const LATEST = 253_402_300_799_999_999n;
const OUT_OF_YEARS = 'must be a time of the years 1 to 9999 in UTC';

/** Makes a small attempt; `text` is JSON. */
function attemptWith(field: 'started_at' | 'keen_timestamp', text: string): Buffer {
  const startedAt = field === 'started_at' ? text : '"2018-01-01T00:00:00Z"';
  const epoch = field === 'keen_timestamp' ? `,"keen_timestamp":${text}` : '';
  return Buffer.from(
    `{"keen_id":"k","started_at":${startedAt}${epoch},"base_exam_id":"b","user_exam_id":"u","exam_name":"e","sequences":{"questions":[]}}`,
  );
}

/**
 * Returns the microseconds of a field's column, or the reason of its quarantine. The scan and the check must agree.
 */
function read(field: 'started_at' | 'keen_timestamp', text: string): bigint | string {
  const payload = attemptWith(field, text);
  const { fault } = checkAttempt(payload);
  const scan = new AttemptScan();
  try {
    const isTaken = scan.tryAdd(payload, PLACE);
    assert.equal(isTaken, fault === undefined, text);
    if (fault !== undefined) {
      assert.equal(fault.path, field);
      return fault.reason;
    }
    return scan.attempts.columns.find(({ name }) => name === field)?.values[0] as bigint;
  } finally {
    scan.release();
  }
}

test('times are accepted in every lossless format', () => {
  const second = BigInt(Date.UTC(2018, 0, 31, 12)) * 1000n;
  for (const [text, micros] of [
    ['2018-01-31T12:00:00Z', 0n],
    ['2018-01-31T12:00:00.1234560Z', 123_456n],
    ['2018-01-31T12:00:00.0000000+00:00', 0n],
    ['2018-01-31T12:00:00.12345600000000000000000000Z', 123_456n],
    ['2018-01-31T12:00:00+0000', 0n],
    ['2018-01-31T12:00:00+00', 0n],
    ['2018-01-31T12:00:00-00:00', 0n],
    ['2018-01-31t12:00:00z', 0n],
    ['2018-01-31 12:00:00+00:00', 0n],
    ['2018-01-31 17:30:00.5+0530', 500_000n],
    ['2018-01-31 07:00:00-05', 0n],
    ['2018-01-31T12:00:00.123456789Z', 123_457n],
    ['2018-01-31T12:00:00.123456499Z', 123_456n],
    ['2018-01-31T11:59:59.999999500Z', 0n],
    ['2018-01-31T12:00:00.1234565Z', 123_457n],
    ['2018-01-31T12:00:00.12345649Z', 123_456n],
  ] as const)
    assert.equal(read('started_at', `"${text}"`), second + micros, text);
});

test('invalid times, and times finer than nanoseconds, are refused', () => {
  for (const text of [
    '2018-01-31T12:00:00',
    '2018-01-31T12:00:00.Z',
    '2018-01-31T12:00:00,5Z',
    '2018-01-31T12:00:00.1234567891Z',
    '2018-01-31T12:00:00.0000000001Z',
    '2018-01-31T12:00:00+0',
    '2018-01-31T12:00:00+000',
    '2018-01-31T12:00:00+00:0',
    '2018-01-31T12:00:00+00:',
    '2018-01-31T12:00:00+24',
    '2018-01-31T12:00:00+0060',
    '2018-01-31T12:00:00+00:60',
    '2018-01-31T12:00:00 Z',
    '2018-01-31T12:00:00Zz',
    '2018-01-31_12:00:00Z',
    '2018-01-31T12:00:60Z',
    '2018-01-31T24:00:00Z',
    '2018-02-29T12:00:00Z',
    '0000-12-31T23:59:59-00:01',
  ])
    assert.match(String(read('started_at', `"${text}"`)), /^must be a time as .*, is another text$/, text);
});

test('a time that its offset, decimals or seconds move out of the years 1 to 9999 is quarantined', () => {
  for (const text of [
    '0001-01-01T00:00:00+00:01',
    '0001-01-01T00:00:00+23:59',
    '0001-01-01 00:59:59.999999499+01',
    '9999-12-31T23:59:59-00:01',
    '9999-12-31T23:59:59.999999-2359',
    '9999-12-31T23:59:59.9999995Z',
    '9999-12-31t23:59:59.999999999z',
  ])
    assert.equal(read('started_at', `"${text}"`), OUT_OF_YEARS, text);
  for (const [text, micros] of [
    ['0001-01-01T00:00:00Z', EARLIEST],
    ['0001-01-01T23:59:00+23:59', EARLIEST],
    ['0001-01-01T00:59:59.9999995+01:00', EARLIEST],
    ['9999-12-31T23:59:59.999999Z', LATEST],
    ['9999-12-31T23:59:59.9999994Z', LATEST],
    ['9999-12-31T00:00:59.999999-23:59', LATEST],
  ] as const)
    assert.equal(read('started_at', `"${text}"`), micros, text);
  for (const text of ['-99999999999', '-62135596801', '253402300800', '253402300799.9999995'])
    for (const written of [`"${text}"`, text])
      assert.equal(read('keen_timestamp', written), OUT_OF_YEARS, written);
  assert.equal(read('keen_timestamp', '"-62135596800.0000005"'), OUT_OF_YEARS);
  for (const [text, micros] of [
    ['-62135596800', EARLIEST],
    ['-62135596800.0000004', EARLIEST],
    ['253402300799.999999', LATEST],
    ['253402300799.9999994000000000', LATEST],
    ['99999999999', 99_999_999_999_000_000n],
    ['-0', 0n],
  ] as const)
    assert.equal(read('keen_timestamp', `"${text}"`), micros, text);
  for (const text of ['1516717442735', '1e9', '1516717442.1234567891', '+1', ' 1', ''])
    assert.match(String(read('keen_timestamp', `"${text}"`)), /^must be seconds since 1970/, text);
});

test('any time has the microsecond computed from its parts, or is quarantined where that is out of range', () => {
  const random = new Random(17);
  const years = [1, 2, 4, 99, 100, 400, 1582, 1899, 1900, 1969, 1970, 2000, 2018, 2024, 9998, 9999];
  let refused = 0;
  for (let tries = 0; tries < 20_000; tries += 1) {
    const { text, nanos } = randomTime(random, years);
    const micros = floorDiv(nanos + 500n, 1000n);
    const isHeld = micros >= EARLIEST && micros <= LATEST;
    if (!isHeld) refused += 1;
    assert.equal(read('started_at', `"${text}"`), isHeld ? micros : OUT_OF_YEARS, text);
  }
  assert.ok(refused > 50, String(refused));
});

/** Generates a time near the ends of a year, in any of the formats, with its nanoseconds since 1970. */
function randomTime(random: Random, years: readonly number[]): { text: string; nanos: bigint } {
  const pick = <T>(all: readonly T[]): T => all[random.below(all.length)] as T;
  const year = pick(years);
  const [month, day] = pick([
    [1, 1],
    [2, 28],
    [3, 1],
    [12, 31],
  ] as const);
  const [hour, minute, second] = [pick([0, 1, 12, 23]), pick([0, 1, 59]), pick([0, 30, 59])];
  const fraction = pick([
    '',
    '.5',
    '.999999',
    '.9999994',
    '.9999995',
    '.999999999',
    '.000000500',
    '.1234567',
  ]);
  const zeros = fraction === '' ? '' : '0'.repeat(random.below(30));
  const sign = pick(['+', '-'] as const);
  const [hours, minutes] = [pick([0, 1, 5, 23]), pick([0, 30, 59])];
  const zone = pick([
    'Z',
    'z',
    `${sign}${two(hours)}:${two(minutes)}`,
    `${sign}${two(hours)}${two(minutes)}`,
  ]);
  const shortZone = minutes === 0 && random.below(2) === 0 ? `${sign}${two(hours)}` : zone;
  const ahead = /[Zz]/.test(shortZone) ? 0 : (sign === '-' ? -1 : 1) * (hours * 60 + minutes) * 60;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const seconds = BigInt(date.getTime() / 1000 + hour * 3600 + minute * 60 + second - ahead);
  const day10 = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
  const time = `${two(hour)}:${two(minute)}:${two(second)}`;
  const text = `${day10}${pick(['T', 't', ' '])}${time}${fraction}${zeros}${shortZone}`;
  return { text, nanos: seconds * 1_000_000_000n + BigInt(fraction.slice(1).padEnd(9, '0')) };
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

function floorDiv(number: bigint, by: bigint): bigint {
  const quotient = number / by;
  return number % by < 0n ? quotient - 1n : quotient;
}

test('the statistics of a file have no year after 9999', () => {
  const statistics = new Map([
    ['started_at', { min: '0001-01-01 00:00:00+00', max: '9999-12-31 23:59:59.999999+00' }],
    ['published_at', { min: '2018-01-01 00:00:00+00', max: '9999-12-31 23:59:59.999+00' }],
  ]);
  assert.deepEqual(JSON.parse(deltaStats(attempts, 1, statistics)), {
    numRecords: 1,
    minValues: { started_at: '0001-01-01T00:00:00.000Z', published_at: '2018-01-01T00:00:00.000Z' },
    maxValues: { published_at: '9999-12-31T23:59:59.999Z' },
    nullCount: {},
  });
});

test('a byte order mark before a message is ignored; one elsewhere, or a second one, is not', () => {
  const plain = attemptWith('started_at', '"2018-01-01T00:00:00Z"').toString();
  const isTaken = (text: string): boolean => new AttemptScan().tryAdd(Buffer.from(text), PLACE);
  for (const text of [`\ufeff${plain}`, `\ufeff \n${plain}`]) {
    assert.ok(isTaken(text));
    assert.equal(checkAttempt(Buffer.from(text)).fault, undefined);
    assert.equal(userOf(Buffer.from(text)), 'u');
  }
  const unknown = Buffer.from(`\ufeff${plain.replace('{', '{"more":1,')}`);
  assert.deepEqual([...checkAttempt(unknown).unknown], [['more', 1]]);
  for (const text of [`\ufeff\ufeff${plain}`, ` \ufeff${plain}`, `${plain}\ufeff`, '\ufeff']) {
    assert.ok(!isTaken(text));
    assert.equal(checkAttempt(Buffer.from(text)).fault?.reason, 'is not JSON');
  }
});
