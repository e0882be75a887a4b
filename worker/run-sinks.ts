import type { InjectedSinks } from '@temporalio/worker';
import type { RunTraces } from '../adapters/tracing/run-traces.ts';
import { STEPS } from '../model/step.ts';
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

/** Returns the workflow sinks that count the runs that end on this worker and, with tracing, export their spans. */
export function runSinks(
  { sources }: Settings,
  metrics: Metrics,
  traces: RunTraces | undefined,
): InjectedSinks<RunEndSinks> {
  initializeCounters(Object.keys(sources), metrics);
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

/** Exports counters at 0: Prometheus sees an increase only of a counter that it scraped before. */
function initializeCounters(sources: readonly string[], metrics: Metrics): void {
  for (const source of sources) {
    for (const state of Object.keys(ENDS)) metrics.add('pipeline_runs_total', { source, state }, 0);
    for (const step of STEPS) {
      metrics.add('pipeline_records_in_total', { source, step }, 0);
      metrics.add('pipeline_records_out_total', { source, step }, 0);
    }
  }
}
