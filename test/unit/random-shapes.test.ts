import assert from 'node:assert/strict';
import test from 'node:test';
import { checkAttempt } from '../../records/check.ts';
import { AttemptScan } from '../../records/scan.ts';
import { Random } from '../../simulator/random.ts';
import { mutate } from '../support/mutations.ts';
import { RecordWriter } from '../support/random-records.ts';
import { randomShape } from '../support/random-shapes.ts';
import { recordValues, scannedValues } from '../support/record-values.ts';

const PLACE = { source: 's', headers: '[]', partition: 0, offset: 0n, publishedMs: undefined };

/** The number of random shapes; each has records enough for repeated texts, and for rows after a refused record. */
const SHAPES = Number(process.env['RANDOM_SHAPES'] ?? 100);
const RECORDS = 30;

/** Requires that a scan of some records accepts what the check accepts, with the values that are in the texts. */
function requireAsChecked(seed: number, faultIn: number, isMutated: boolean): number {
  const random = new Random(seed, faultIn);
  const shape = randomShape(random);
  const writer = new RecordWriter(random, faultIn);
  const scan = new AttemptScan([], shape);
  const accepted: string[] = [];
  const shown = (text: string): string => `seed ${seed}: ${text}\n${JSON.stringify(shape, null, 1)}`;
  try {
    for (let at = 0; at < RECORDS; at += 1) {
      const written = writer.record(shape);
      const payload = (isMutated ? mutate(written, random) : Buffer.from(written)) ?? Buffer.alloc(0);
      const { fault } = checkAttempt(payload, shape);
      const verdict = `${fault?.path}: ${fault?.reason}, ${payload.toString()}`;
      if (faultIn === Infinity) assert.equal(fault, undefined, shown(verdict));
      assert.equal(scan.tryAdd(payload, PLACE), fault === undefined, shown(verdict));
      if (fault === undefined) accepted.push(payload.toString());
    }
    assert.deepEqual(scannedValues(scan), recordValues(accepted, shape), shown(accepted.join('\n')));
    return accepted.length;
  } finally {
    scan.release();
  }
}

test('the scan reads every value of right records of any shape', () => {
  for (let seed = 0; seed < SHAPES; seed += 1) assert.equal(requireAsChecked(seed, Infinity, false), RECORDS);
});

test('the scan and the check agree on records of any shape with faults, and on mutations', () => {
  let accepted = 0;
  for (let seed = 0; seed < SHAPES; seed += 1) {
    accepted += requireAsChecked(seed, 30, false);
    accepted += requireAsChecked(seed, 300, true);
  }
  const records = 2 * SHAPES * RECORDS;
  assert.ok(accepted > records / 5 && accepted < records * 0.9, `${accepted} of ${records} accepted`);
});
