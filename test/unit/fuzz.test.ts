import assert from 'node:assert/strict';
import test from 'node:test';
import { fuzz } from '../fuzz/fuzz.ts';

/** A part of `npm run fuzz`, enough for every kind of fault. */
test('every mutated record lands or is quarantined, and landed rows match its JSON', async () => {
  const { records, landed, quarantined, reasons } = await fuzz({
    seed: 1,
    records: 12_000,
    timeoutMs: 30_000,
  });
  assert(records > 0);
  assert.equal(landed + quarantined, records);
  assert(landed > records / 10 && quarantined > records / 10, `${landed} landed, ${quarantined} quarantined`);
  assert(reasons.size >= 15, [...reasons.keys()].join('; '));
});
