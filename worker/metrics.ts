import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

interface Definition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

/** The pipeline's own metrics by name; docs/metrics.md is generated from this. */
export const METRICS = {
  pipeline_records_in_total: {
    type: 'counter',
    labels: ['source', 'step'],
    help: 'Records read by steps that completed.',
  },
  pipeline_records_out_total: {
    type: 'counter',
    labels: ['source', 'step'],
    help: 'Records written by steps that completed.',
  },
  pipeline_erased_total: {
    type: 'counter',
    labels: ['source', 'step'],
    help: 'Records of erased persons that a step dropped.',
  },
  pipeline_records_quarantined_total: {
    type: 'counter',
    labels: ['source', 'step', 'reason'],
    help: 'Records that a step quarantined, by reason: the field and its fault.',
  },
  pipeline_bytes_total: {
    type: 'counter',
    labels: ['source', 'step'],
    help: 'Bytes written by steps that completed: content, Kafka messages, Parquet files.',
  },
  pipeline_step_seconds: {
    type: 'histogram',
    labels: ['step'],
    help: 'Duration of the successful attempt of a step, or of another activity, in seconds.',
  },
  pipeline_step_failures_total: {
    type: 'counter',
    labels: ['source', 'step', 'code'],
    help: 'Failed attempts of steps, by error code. Most are retried.',
  },
  pipeline_runs_total: {
    type: 'counter',
    labels: ['source', 'state'],
    help: 'Completed runs by outcome: landed, unchanged, nothing-new, aborted, undecided, cancelled or failed.',
  },
  pipeline_waiting_runs: {
    type: 'gauge',
    labels: ['source'],
    help: 'Runs that wait for a person, according to Temporal; every worker reports the same value.',
  },
  pipeline_lag_messages: {
    type: 'gauge',
    labels: ['topic'],
    help: 'Offsets of the topic that have not landed yet, according to Kafka and the tables; every worker reports the same value.',
  },
  pipeline_last_landed_timestamp_seconds: {
    type: 'gauge',
    labels: ['source'],
    help: 'Time of the source’s last commit to `deliveries`, in seconds since 1970.',
  },
  pipeline_table_files: {
    type: 'gauge',
    labels: ['table'],
    help: 'Live data files of the table.',
  },
  pipeline_compaction_files: {
    type: 'gauge',
    labels: ['table'],
    help: 'Small data files of the table that the next upkeep would merge.',
  },
  pipeline_compaction_bytes: {
    type: 'gauge',
    labels: ['table'],
    help: 'Bytes of the data files that the next upkeep would merge.',
  },
  pipeline_last_upkeep_timestamp_seconds: {
    type: 'gauge',
    labels: [],
    help: 'Time at which a run of `maintain` last completed, in seconds since 1970; absent if none has.',
  },
  pipeline_gauges_refreshed_timestamp_seconds: {
    type: 'gauge',
    labels: [],
    help: 'Time at which the worker last refreshed its gauges of runs and lag, in seconds since 1970.',
  },
} as const satisfies Readonly<Record<string, Definition>>;

/** A key of {@link METRICS}. */
export type MetricName = keyof typeof METRICS;

type NameOf<T extends Definition['type']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends T ? Name : never;
}[MetricName];

/** The name of a gauge. */
export type GaugeName = NameOf<'gauge'>;

/** The values of a metric's labels. */
export type LabelsOf<Name extends MetricName> = Readonly<
  Record<(typeof METRICS)[Name]['labels'][number], string>
>;

/** In seconds: from an empty plan to the fetch of a large feed. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800];

/** The reasons that a worker reports by name. Reasons contain field names from outside, so their number is unbounded. */
const MAX_REASONS = 100;

/** The label for all further reasons. */
export const OTHER_REASONS = 'other reasons';

/** The Prometheus metrics of one worker process. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #counters = new Map<MetricName, Counter>();
  readonly #gauges = new Map<MetricName, Gauge>();
  readonly #histograms = new Map<MetricName, Histogram>();
  readonly #reasons = new Set<string>();

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    for (const [key, { type, labels, help }] of Object.entries(METRICS)) {
      const name = key as MetricName;
      const options = { name, help, labelNames: labels, registers: [this.#registry] };
      if (type === 'counter') this.#counters.set(name, new Counter(options));
      else if (type === 'gauge') this.#gauges.set(name, new Gauge(options));
      else this.#histograms.set(name, new Histogram({ ...options, buckets: BUCKETS }));
    }
  }

  /** Increments a counter. A count of 0 exports it, so that Prometheus sees its first increase. */
  add<Name extends NameOf<'counter'>>(name: Name, labels: LabelsOf<Name>, count = 1): void {
    this.#counters.get(name)?.inc(labels, count);
  }

  /** Counts quarantined records by reason, at most {@link MAX_REASONS} of them by name. */
  quarantined(source: string, step: string, reason: string, count: number): void {
    if (!this.#reasons.has(reason) && this.#reasons.size >= MAX_REASONS) {
      this.add('pipeline_records_quarantined_total', { source, step, reason: OTHER_REASONS }, count);
      return;
    }
    this.#reasons.add(reason);
    this.add('pipeline_records_quarantined_total', { source, step, reason }, count);
  }

  /** Records a value in a histogram. */
  observe<Name extends NameOf<'histogram'>>(name: Name, labels: LabelsOf<Name>, value: number): void {
    this.#histograms.get(name)?.observe(labels, value);
  }

  /** Replaces all values of a gauge; other label sets are removed. */
  replace<Name extends NameOf<'gauge'>>(
    name: Name,
    values: readonly { readonly labels: LabelsOf<Name>; readonly value: number }[],
  ): void {
    const gauge = this.#gauges.get(name);
    gauge?.reset();
    for (const { labels, value } of values) gauge?.set(labels, value);
  }

  /** Returns all metrics in the Prometheus text format. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** The content type of {@link text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }
}
