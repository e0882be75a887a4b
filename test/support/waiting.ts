import assert from 'node:assert/strict';
import type { Waiting } from '../../model/run.ts';
import { eventually, queryStatus, type TestPipeline } from './harness.ts';

/**
 * Runs a source until it waits for a decision before anything is published; aborts the run, and returns why it
 * waited.
 */
export async function waitingOf(pipeline: TestPipeline, source: string): Promise<Waiting> {
  const run = await pipeline.start({ source });
  await eventually(`the run of ${source} waits`, async () => (await queryStatus(run)).state === 'waiting');
  const { waiting, steps } = await queryStatus(run);
  assert(waiting !== null);
  assert.equal(steps.publish.recordsIn, 0, 'nothing of it was published');
  await run.executeUpdate('abort');
  await assert.rejects(run.result());
  return waiting;
}
