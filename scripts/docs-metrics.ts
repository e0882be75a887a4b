import { METRICS } from '../worker/metrics.ts';
import { code, madeFrom, markdownTable } from './docs-markdown.ts';

/** The page of metrics. */
export function metricsPage(): string {
  return [
    madeFrom('worker/metrics.ts'),
    '# Metrics',
    'A worker answers them at `/metrics`, beside `/healthz` (`worker.healthHost`, `worker.healthPort`), in the text format of Prometheus; those of Node itself (`process_…`, `nodejs_…`) besides. Temporal’s SDK has its own, at `worker.temporalMetricsPort`. How to watch with them: [operating.md](operating.md).',
    'A step counts when it ends well, once, however often it was tried; tries that failed are counted apart. A batch that is made again, since the host that had it is gone, is read and transformed again, and counts so. Counters begin at 0 with each worker.',
    markdownTable(
      ['Metric', 'Type', 'Labels', 'What it says'],
      Object.entries(METRICS).map(([name, { type, labels, help }]) => [
        code(name),
        type,
        labels.map(code).join(', '),
        help,
      ]),
    ),
    'Labels have few values: `source` and `topic` are those of `pipeline.yaml` (`none` where a run asked for a source that is not there), `step` is a step or one of `checkQuarantineLimit`, `plan`, `record` and `cleanUp`, `code` one of [errors.md](errors.md), `UNEXPECTED` or `CANCELLED`, and `reason` one of a hundred, then `other reasons`. Before `transform` nobody knows of which source a message is, so `consume` counts for the one that its topic belongs to; the reasons of a batch in which several sources have bad messages count for `several sources`.',
    'The gauges say how things stand, whoever made them so. A worker asks Kafka, the log of `deliveries` and Temporal for them each time that they are read, not oftener than every two seconds, and shows the answers the next time; what it cannot have is left out. They are the same from every worker: take the `max`, not the `sum`.',
  ].join('\n\n');
}
