import type { InjectedSinks } from '@temporalio/worker';
import type { RunTraces } from '../adapters/tracing/run-traces.ts';
import { STEPS } from '../model/run.ts';
import type { Settings } from '../model/settings.ts';
import type { RunEnd } from '../model/run.ts';
import type { RunEndSinks } from '../workflows/run-ends.ts';
import type { Metrics } from './metrics.ts';
import { payloadText } from './traced-activities.ts';
import { NO_SOURCE } from './watch.ts';

const ENDS = {
  landed: true,
  unchanged: true,
  'nothing-new': true,
  aborted: true,
  undecided: true,
  cancelled: true,
  failed: true,
} as const satisfies Record<RunEnd, true>;

/** Counts the runs whose end this worker sees, and sends the span of each where traces are on. */
export function runSinks(
  { sources }: Settings,
  metrics: Metrics,
  traces: RunTraces | undefined,
): InjectedSinks<RunEndSinks> {
  beginAtNothing(Object.keys(sources), metrics);
  return {
    runs: {
      ended: {
        fn: ({ workflowId, runId, workflowType }, { source, end, startedMs, trace }) => {
          const known = Object.hasOwn(sources, source) ? source : NO_SOURCE;
          metrics.add('pipeline_runs_total', { source: known, state: end });
          const run = { workflowId, runId, traceParent: payloadText(trace) };
          traces?.ended(workflowType, run, new Date(startedMs), end);
        },
      },
    },
  };
}

/** Prometheus sees an increase of a counter only if it saw the counter before. */
function beginAtNothing(sources: readonly string[], metrics: Metrics): void {
  for (const source of sources) {
    for (const state of Object.keys(ENDS)) metrics.add('pipeline_runs_total', { source, state }, 0);
    for (const step of STEPS) {
      metrics.add('pipeline_records_in_total', { source, step }, 0);
      metrics.add('pipeline_records_out_total', { source, step }, 0);
    }
  }
}
