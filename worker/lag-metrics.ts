import type { Client } from '@temporalio/client';
import { topicOffsets, withAdmin, type KafkaOptions } from '../adapters/kafka/client.ts';
import type { Logger } from '../adapters/log.ts';
import type { DeltaTable } from '../adapters/delta/table.ts';
import type { Snapshot } from '../adapters/delta/snapshot.ts';
import type { Warehouse } from '../adapters/delta/warehouse.ts';
import { partitionAppId } from '../steps/landing/transaction-ids.ts';
import { messageOf } from '../model/errors.ts';
import { SOURCE, STEP } from '../model/search-attributes.ts';
import type { Settings } from '../model/settings.ts';
import { deliveries } from '../tables/index.ts';
import type { Metrics } from './metrics.ts';

/** Where to ask. */
export interface LagMetricsDeps {
  readonly settings: Settings;
  readonly kafka: KafkaOptions;
  readonly warehouse: Warehouse;
  readonly client: Client;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Nothing is asked again sooner, however often the metrics are read. */
const FRESH_MS = 2_000;

/** More runs that wait are not counted. */
const MAX_WAITING = 1_000;

/**
 * How things stand, whoever made them so: what topics hold that has not landed, when each source landed last,
 * which runs wait. It is asked for when the metrics are read and shown the next time, so that reading them never
 * waits for a server; what cannot be had is left out.
 */
export class LagMetrics {
  readonly #deps: LagMetricsDeps;
  #askedAt = -Infinity;
  #asking = false;

  constructor(deps: LagMetricsDeps) {
    this.#deps = deps;
  }

  /** Asks, unless it did just now. Never throws: what failed is logged, and its metrics have no value. */
  refresh(): void {
    if (this.#asking || performance.now() - this.#askedAt < FRESH_MS) return;
    this.#asking = true;
    this.#askedAt = performance.now();
    void this.#ask().finally(() => (this.#asking = false));
  }

  async #ask(): Promise<void> {
    const { metrics } = this.#deps;
    await Promise.all([
      this.#tryTo('pipeline_lag_messages', async () => {
        metrics.replace('pipeline_lag_messages', await this.#lags());
      }),
      this.#tryTo('pipeline_last_landed_timestamp_seconds', async () => {
        metrics.replace('pipeline_last_landed_timestamp_seconds', lastLanded(await this.#table.snapshot()));
      }),
      this.#tryTo('pipeline_waiting_runs', async () => {
        metrics.replace('pipeline_waiting_runs', await this.#waiting());
      }),
    ]);
    metrics.replace('pipeline_standing_timestamp_seconds', [{ labels: {}, value: Date.now() / 1000 }]);
  }

  async #tryTo(
    name: 'pipeline_lag_messages' | 'pipeline_last_landed_timestamp_seconds' | 'pipeline_waiting_runs',
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#deps.metrics.replace(name, []);
      this.#deps.logger.warn({ metric: name, error: messageOf(error) }, 'a metric could not be had');
    }
  }

  get #table(): DeltaTable {
    return this.#deps.warehouse.table(deliveries.name);
  }

  async #lags(): Promise<{ labels: { topic: string }; value: number }[]> {
    const { kafka, settings } = this.#deps;
    const wanted = new Set(Object.values(settings.sources).map(({ topic }) => topic));
    const existing = new Set(await withAdmin(kafka, (admin) => admin.listTopics()));
    const txns = (await this.#table.head())?.txns;
    const lags: { labels: { topic: string }; value: number }[] = [];
    for (const topic of wanted) {
      const offsets = existing.has(topic) ? await topicOffsets(kafka, topic) : [];
      const due = offsets.map(({ partition, earliest, end }) => {
        const from = txns?.get(partitionAppId(topic, partition)) ?? BigInt(earliest);
        return Math.max(0, Number(BigInt(end) - from));
      });
      lags.push({ labels: { topic }, value: due.reduce((sum, count) => sum + count, 0) });
    }
    return lags;
  }

  async #waiting(): Promise<{ labels: { source: string }; value: number }[]> {
    const { client, settings } = this.#deps;
    const { taskQueue } = settings.temporal;
    const counts = new Map(Object.keys(settings.sources).map((source) => [source, 0]));
    let seen = 0;
    const query =
      `WorkflowType = 'ingest' AND TaskQueue = '${taskQueue}' ` +
      `AND ExecutionStatus = 'Running' AND ${STEP.name} = 'waiting'`;
    for await (const run of client.workflow.list({ query })) {
      const source = run.typedSearchAttributes.get(SOURCE);
      const known = source === undefined ? undefined : counts.get(source);
      if (source !== undefined && known !== undefined) counts.set(source, known + 1);
      seen += 1;
      if (seen >= MAX_WAITING) break;
    }
    return [...counts].map(([source, value]) => ({ labels: { source }, value }));
  }
}

/** The newest file of each source, as far as the table has any. */
function lastLanded(snapshot: Snapshot | undefined): { labels: { source: string }; value: number }[] {
  const latest = new Map<string, number>();
  for (const { partitionValues, modificationTime } of snapshot?.files.values() ?? []) {
    const source = partitionValues['source'] ?? '';
    latest.set(source, Math.max(latest.get(source) ?? 0, modificationTime));
  }
  return [...latest].map(([source, ms]) => ({ labels: { source }, value: ms / 1000 }));
}
