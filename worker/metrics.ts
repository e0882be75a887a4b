import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

interface Definition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

/** Every metric of the pipeline that a worker exports, by its name; docs/metrics.md is made from it. */
export const METRICS = {
  pipeline_records_in_total: {
    type: 'counter',
    labels: ['source', 'step'],
    help: 'Records that went into a step that ended well.',
  },
  pipeline_records_out_total: {
    type: 'counter',
    labels: ['source', 'step'],
    help: 'Records that came out of it.',
  },
  pipeline_records_quarantined_total: {
    type: 'counter',
    labels: ['source', 'step', 'reason'],
    help: 'Records that went into quarantine instead, by the reason: the field and what is wrong with it.',
  },
  pipeline_bytes_total: {
    type: 'counter',
    labels: ['source', 'step'],
    help: 'Bytes that came out of a step that ended well: content, messages, files of Parquet.',
  },
  pipeline_step_seconds: {
    type: 'histogram',
    labels: ['step'],
    help: 'How long a step, or another activity, took that ended well: its last try alone.',
  },
  pipeline_step_failures_total: {
    type: 'counter',
    labels: ['source', 'step', 'code'],
    help: 'Tries that failed, by the code of the error. Most are tried again.',
  },
  pipeline_runs_total: {
    type: 'counter',
    labels: ['source', 'state'],
    help: 'Runs that ended: landed, unchanged, nothing-new, aborted, undecided, cancelled or failed.',
  },
  pipeline_waiting_runs: {
    type: 'gauge',
    labels: ['source'],
    help: 'Runs that wait for a person, as Temporal knows it; the same from every worker.',
  },
  pipeline_lag_messages: {
    type: 'gauge',
    labels: ['topic'],
    help: 'Offsets of the topic that no table holds yet, as Kafka and the tables know it; the same from every worker.',
  },
  pipeline_last_landed_timestamp_seconds: {
    type: 'gauge',
    labels: ['source'],
    help: 'When something of the source landed last, in seconds since 1970, as the log of `deliveries` knows it.',
  },
  pipeline_standing_timestamp_seconds: {
    type: 'gauge',
    labels: [],
    help: 'When the worker last asked Kafka, the tables and Temporal for the three above.',
  },
} as const satisfies Readonly<Record<string, Definition>>;

/** The name of a metric; the key of {@link METRICS}. */
export type MetricName = keyof typeof METRICS;

type NameOf<T extends Definition['type']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends T ? Name : never;
}[MetricName];

/** The values of a metric's labels. */
export type LabelsOf<Name extends MetricName> = Readonly<
  Record<(typeof METRICS)[Name]['labels'][number], string>
>;

/** From a plan of nothing to the fetch of a large feed, in seconds. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800];

/** A reason can hold a field's name from outside, so that there is no end of them; each worker names so many. */
const MAX_REASONS = 100;

/** Stands for the reasons after them. */
export const OTHER_REASONS = 'other reasons';

/** What a worker has counted and measured since it began. */
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
      const of = { name, help, labelNames: labels, registers: [this.#registry] };
      if (type === 'counter') this.#counters.set(name, new Counter(of));
      else if (type === 'gauge') this.#gauges.set(name, new Gauge(of));
      else this.#histograms.set(name, new Histogram({ ...of, buckets: BUCKETS }));
    }
  }

  /** Adds to a counter; 0 makes it known, so that its first increase is one. */
  add<Name extends NameOf<'counter'>>(name: Name, labels: LabelsOf<Name>, count = 1): void {
    this.#counters.get(name)?.inc(labels, count);
  }

  /** Adds to the count of a reason, in bounded memory. */
  quarantined(source: string, step: string, reason: string, count: number): void {
    if (!this.#reasons.has(reason) && this.#reasons.size >= MAX_REASONS) {
      this.add('pipeline_records_quarantined_total', { source, step, reason: OTHER_REASONS }, count);
      return;
    }
    this.#reasons.add(reason);
    this.add('pipeline_records_quarantined_total', { source, step, reason }, count);
  }

  observe<Name extends NameOf<'histogram'>>(name: Name, labels: LabelsOf<Name>, value: number): void {
    this.#histograms.get(name)?.observe(labels, value);
  }

  /** Sets a gauge to these values alone; what it had for other labels is no more. */
  replace<Name extends NameOf<'gauge'>>(
    name: Name,
    values: readonly { readonly labels: LabelsOf<Name>; readonly value: number }[],
  ): void {
    const gauge = this.#gauges.get(name);
    gauge?.reset();
    for (const { labels, value } of values) gauge?.set(labels, value);
  }

  /** Everything, in the text format of Prometheus. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** The type of {@link text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }
}
