import type { IngestRequest, IngestResult } from '../model/run.ts';
import { BatchPipeline } from './batch-pipeline.ts';
import { requireContinued, requireRequest } from './request.ts';
import { Run, type Carried } from './run.ts';
import { consume, fetch, land, retryOnOneHost, plan, publish, transform } from './steps.ts';

/**
 * Ingests what a source has to give and what its topic holds: fetch, publish, plan, then for each batch consume,
 * transform and land.
 *
 * Its durable checkpoints are Kafka's offsets and the tables' logs; files staged on a host can be made again from them.
 * When a step's retries are used up, the run waits for a decision.
 * @param carried The state of the previous history, from the run's own continue-as-new.
 * @throws {ApplicationFailure} REQUEST_INVALID, ABORTED, UNDECIDED, or an error that no decision can help.
 */
export async function ingest(request: IngestRequest, carried?: Carried): Promise<IngestResult> {
  requireRequest(request);
  requireContinued(carried);
  const run = new Run(request, carried);
  return run.execute(() => runSteps(run));
}

/** The five steps. Batches overlap: one is read and two are transformed while another lands; they land in order. */
async function runSteps(run: Run): Promise<IngestResult> {
  const published = run.published ?? (await retryOnOneHost(async () => publish(run, await fetch(run))));
  const batches = new BatchPipeline({
    consume: (batch, options) => consume(run, batch, options),
    async land(consumed, previous) {
      const tables = await transform(run, consumed);
      await previous;
      await land(run, consumed, tables);
    },
  });
  for (let until = run.until; ;) {
    const planned = await plan(run, published.ends, until);
    until = planned.ends;
    const progress = await batches.run(run.state.topic, planned);
    if (progress === 'history-full') await run.continueAsNew({ published, until });
    if (progress === 'landed') return run.end(published.isUnchanged);
  }
}
