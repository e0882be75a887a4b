/** A short soak: runs, other producers and faults at once, by a plan that its seed decides. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { reportText } from '../soak/report.ts';
import { soak } from '../soak/soak.ts';

/** Its plan begins with faults of Kafka, HDFS, the customer and a worker. */
const SEED = 238;
const MINUTES = 0.5;
/** Faults come faster than in a long one, so that some meet a run. */
const PACE = [1, 4] as const;

test('all kinds of faults at once: no record is lost or duplicated, and no aborted record lands', async (t) => {
  const report = await soak({
    seed: SEED,
    minutes: MINUTES,
    pace: PACE,
    say: (line) => {
      t.diagnostic(line);
    },
  });
  for (const line of reportText(report).split('\n')) t.diagnostic(line);
  assert.deepEqual(report.findings, []);
  assert.deepEqual([report.lost, report.doubled], [0, 0]);
  assert(report.landed > 0 && report.aborted > 0, 'too little was done');
});
