import { METRICS } from '../worker/metrics.ts';
import { code, madeFrom, markdownTable } from './docs-markdown.ts';

/** Returns the page of metrics. */
export function metricsPage(): string {
  return [
    madeFrom('worker/metrics.ts'),
    '# Metrics',
    'A worker exports metrics at `/metrics`, beside `/healthz` (`worker.healthHost`, `worker.healthPort`), in the text format of Prometheus, with those of Node itself (`process_…`, `nodejs_…`). Temporal’s SDK exports its own at `worker.temporalMetricsPort`. Monitoring and alerts: [operating.md](operating.md).',
    'A step is counted once, when it completes, regardless of its retries; failed attempts have a counter of their own. A batch whose host was lost is consumed and transformed again, and counted again. Counters start at 0 with each worker.',
    markdownTable(
      ['Metric', 'Type', 'Labels', 'What it says'],
      Object.entries(METRICS).map(([name, { type, labels, help }]) => [
        code(name),
        type,
        labels.map(code).join(', '),
        help,
      ]),
    ),
    'Labels have few values: `source` and `topic` are those of `pipeline.yaml` (`none` where the source of a run does not exist), `step` is a step or one of `checkQuarantineLimit`, `plan`, `record` and `cleanUp`, `code` one of [errors.md](errors.md), `UNEXPECTED` or `CANCELLED`, and `reason` one of a hundred, then `other reasons`. Before `transform` the source of a message is not known, so `consume` counts it for the source that its topic belongs to; the reasons of a batch with bad messages of several sources are counted for `several sources`.',
    'The gauges describe the topics, tables and runs, not the worker that exports them. On each scrape, at most every two seconds, a worker queries Kafka, the log of `deliveries` and Temporal, and exports the results with the next scrape; a gauge that cannot be read is left out. All workers export the same values: aggregate with `max`, not `sum`.',
  ].join('\n\n');
}
