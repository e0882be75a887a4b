import { METRICS } from '../worker/metrics.ts';
import { code, madeFrom, markdownTable } from './docs-markdown.ts';

/** The page of metrics. */
export function metricsPage(): string {
  return [
    madeFrom('worker/metrics.ts'),
    '# Metrics',
    'A worker exports these metrics and those of Node (`process_…`, `nodejs_…`) at `/metrics`, beside `/healthz` (`worker.healthHost`, `worker.healthPort`), in the text format of Prometheus. Temporal’s SDK exports its own at `worker.temporalMetricsPort`. Monitoring with them: [operating.md](operating.md).',
    'A step is counted once, when it succeeds, however many retries it took; failed attempts are counted separately. If a host is lost and its batch is consumed and transformed again, it is counted again. Counters start at 0 in each worker.',
    markdownTable(
      ['Metric', 'Type', 'Labels', 'Meaning'],
      Object.entries(METRICS).map(([name, { type, labels, help }]) => [
        code(name),
        type,
        labels.map(code).join(', '),
        help,
      ]),
    ),
    'Labels have few values: `source` and `topic` are those of `pipeline.yaml` (`none` if a run named a source that does not exist), `step` is a step or one of `checkQuarantineLimit`, `plan`, `record` and `cleanUp`, `code` one of [errors.md](errors.md), `UNEXPECTED` or `CANCELLED`, and `reason` one of the first hundred, else `other reasons`. The source of a message is only known in `transform`, so `consume` counts for the source that its topic belongs to; the reasons of a batch with bad messages of several sources count for `several sources`.',
    'The gauges describe the whole pipeline, not one worker. Each scrape makes the worker query Kafka, the log of `deliveries` and Temporal, at most every two seconds, and for the gauges of files and upkeep the logs of all tables, at most once a minute; the next scrape has the results; a value that cannot be read is left out. Every worker exports the same values: aggregate with `max`, not `sum`.',
  ].join('\n\n');
}
