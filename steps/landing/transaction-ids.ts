import type { TransactionFence } from '../../adapters/delta/snapshot.ts';
import type { TransactionRetention } from '../../adapters/delta/transaction-retention.ts';
import type { ContentIdentity } from '../../model/identity.ts';
import type { Batch, OffsetRange } from '../../model/references.ts';
import { durationMs, type MaintenanceSettings } from '../../model/settings-maintenance.ts';

/** Returns the fence of something that happens once, after which its version is 1. */
function once(appId: string): TransactionFence {
  return { appId, from: undefined, to: 1n };
}

/** The application ids of {@link once}, whose number grows with each run. */
const ONCE = /^(?:content|run|chunk|replay)\//;

/**
 * Returns which transactions a table forgets: contents, runs, chunks and replays. Positions of topics, and what explains
 * their rows (`topic/`, `from/`, `table/`, `skipped/`), are kept for ever: their number does not grow with the runs.
 */
export function transactionRetention({
  transactionRetention: duration,
}: Pick<MaintenanceSettings, 'transactionRetention'>): TransactionRetention {
  return {
    retentionMs: durationMs(duration),
    // A topic can have the name `run`, and `run/0` is then its position in partition 0.
    isForgettable: (appId) => ONCE.test(appId) && parsePartitionAppId(appId) === undefined,
  };
}

/** Returns the fence that marks a source's content, in this format, as ingested. */
export function contentTransaction(source: string, { format, sha256 }: ContentIdentity): TransactionFence {
  return once(`content/${source}/${format}/${sha256}`);
}

/** Returns the fence of a run's row in the table `runs`. */
export function runTransaction(runId: string): TransactionFence {
  return once(`run/${runId}`);
}

/** Returns the fence of a chunk's records that were refused at publish, in `quarantine`. */
export function chunkTransaction(chunkId: string): TransactionFence {
  return once(`chunk/${chunkId}`);
}

/** Returns the fence of a replay; `reference` names the row of `quarantine` as the command line does. */
export function replayTransaction(reference: string): TransactionFence {
  return once(`replay/${reference}`);
}

/** Returns the application id that marks a table as holding messages of the topic with this Kafka id. */
export function topicAppId(topic: string, id: string): string {
  return `topic/${topic}/${id}`;
}

/** Returns the Kafka ids of the topic that a table's transactions name; several if it was deleted and created again. */
export function topicIdsIn(txns: ReadonlyMap<string, unknown>, topic: string): string[] {
  const prefix = topicAppId(topic, '');
  return [...txns.keys()]
    .filter((appId) => appId.startsWith(prefix))
    .map((appId) => appId.slice(prefix.length));
}

/** Returns whether an application id is one of {@link topicAppId}. */
export function isTopicAppId(appId: string): boolean {
  return /^topic\/[^/]+\/[^/]+$/.test(appId);
}

/** Returns the application id whose version is the end offset landed of a partition. */
export function partitionAppId(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Parses an id of {@link partitionAppId}; undefined for all others. */
export function parsePartitionAppId(appId: string): TopicPartition | undefined {
  const [, topic, partition] = /^([^/]+)\/(\d+)$/.exec(appId) ?? [];
  return topic === undefined ? undefined : { topic, partition: Number(partition) };
}

/**
 * Returns the application id whose version is the offset from which a table that was added to the warehouse has rows of
 * a partition. A table has none for a partition that it has had from the beginning; 0 means the same.
 */
export function firstOffsetAppId(topic: string, partition: number): string {
  return `from/${partitionAppId(topic, partition)}`;
}

/** Parses an id of {@link firstOffsetAppId}; undefined for all others. */
export function parseFirstOffsetAppId(appId: string): TopicPartition | undefined {
  return appId.startsWith('from/') ? parsePartitionAppId(appId.slice('from/'.length)) : undefined;
}

/** Returns the application id by which `deliveries` records that its batches are in a table, too. */
export function tableAppId(table: string): string {
  return `table/${table}`;
}

/**
 * Returns the application id by which `deliveries` records offsets that a person let a run skip: log entries, which say
 * so too, are cleaned up.
 */
export function skippedAppId(topic: string, { partition, start, end }: OffsetRange): string {
  return `skipped/${partitionAppId(topic, partition)}/${start}-${end}`;
}

/** Returns the offset ranges of a topic that {@link skippedAppId} names in a table's transactions. */
export function skippedRangesIn(txns: ReadonlyMap<string, unknown>, topic: string): OffsetRange[] {
  const prefix = `skipped/${topic}/`;
  return [...txns.keys()].flatMap((appId) => {
    const rest = appId.startsWith(prefix) ? appId.slice(prefix.length) : '';
    const [, partition, start, end] = /^(\d+)\/(\d+)-(\d+)$/.exec(rest) ?? [];
    return start === undefined || end === undefined ? [] : [{ partition: Number(partition), start, end }];
  });
}

/**
 * Returns the application id whose version is the number of a source's last erasure that a table knows of. It has three
 * segments, so that it is no id of {@link partitionAppId} for a source of digits.
 */
export function erasureAppId(source: string): string {
  return `${ERASURE_PREFIX}${source}`;
}

const ERASURE_PREFIX = 'erasures/source/';

/** Returns whether an application id is one of {@link erasureAppId}. */
export function isErasureAppId(appId: string): boolean {
  return appId.startsWith(ERASURE_PREFIX);
}

/** Returns the application id whose version is the number of a source's last erasure that searches a table for rows. */
export function searchedAppId(source: string): string {
  return `erasures/searched/${source}`;
}

/** Returns the fence of an erasure's row in the table `erasures`. */
export function erasureTransaction(runId: string): TransactionFence {
  return once(`erased-by/${runId}`);
}

/** Returns the fences of a batch: the version of each partition moves from the start to the end of its range. */
export function batchTransactions({ topic, ranges }: Batch): TransactionFence[] {
  return ranges.map(({ partition, start, end }) => ({
    appId: partitionAppId(topic, partition),
    from: BigInt(start),
    to: BigInt(end),
  }));
}
