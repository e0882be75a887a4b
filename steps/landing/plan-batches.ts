import { waitForOffsetsPast, type KafkaOptions, type PartitionOffsets } from '../../adapters/kafka/client.ts';
import { requireFewPartitions } from '../../adapters/kafka/topics.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { PipelineError } from '../../model/errors.ts';
import type { OffsetRange, PartitionEnds } from '../../model/references.ts';
import { DERIVED_TABLES, deliveries, replays, runs } from '../../tables/index.ts';
import { deltaMetadata, type Table } from '../../tables/table.ts';
import { initialTransactions, type Transactions } from './added-tables.ts';
import { rebuildAdvice } from './rebuild-advice.ts';
import { firstOffsetAppId, partitionAppId, topicIdsIn } from './transaction-ids.ts';

/** The offset ranges to land. */
export interface Plan {
  /** The offsets that are not in every table yet, up to the end of the topic. */
  readonly ranges: readonly OffsetRange[];
  /**
   * Whether `ranges` is the one range of one partition that is in some of the tables only, since a run was interrupted.
   * It must be landed as exactly one batch before the rest is planned.
   */
  readonly unfinished: boolean;
  /** The end offset of the plan in each partition. */
  readonly ends: PartitionEnds;
  /** Kafka's id of the topic, if the cluster has topic ids. */
  readonly topicId?: string;
}

/** For each table, the versions of the transactions in its log by application id. */
export type TablePositions = ReadonlyMap<string, Transactions>;

/**
 * Offsets per batch of a table that is behind `deliveries`. Any end up to the next position of a table would do; the
 * batches that were landed without the table may be too many for one.
 */
const MAX_CATCH_UP_OFFSETS = 10_000n;

/** The input of {@link planBatches}. */
export interface TopicToPlan {
  readonly topic: string;
  /** The end offsets of what the run published: planned even if the broker does not report them yet. */
  readonly publishedEnds: PartitionEnds;
  /** The ends of the run's first plan, past which nothing is planned. */
  readonly until: PartitionEnds | null;
}

/**
 * Plans the offset ranges between what the tables hold and the end of the topic.
 * @param ensureTopicId Returns Kafka's id of the topic, which it creates if missing.
 * @throws {PipelineError} PAYLOAD_TOO_LARGE, RANGE_GONE, TOPIC_RESET, TABLE_REWRITTEN, TABLE_OTHER_COLUMNS,
 * TABLE_LOG_CHANGED, TABLE_LOG_INVALID, KAFKA_UNREACHABLE, an error of HDFS
 */
export async function planBatches(
  { kafka, warehouse }: { readonly kafka: KafkaOptions; readonly warehouse: Warehouse },
  { topic, publishedEnds, until }: TopicToPlan,
  ensureTopicId: (topic: string) => Promise<string | undefined>,
): Promise<Plan> {
  const [positions, topicId] = await Promise.all([readPositions(warehouse), ensureTopicId(topic)]);
  // The topic is read after the tables, so that it includes what other runs land in between.
  const offsets = await waitForOffsetsPast(kafka, topic, until === null ? publishedEnds : {});
  if (topicId !== undefined) requireSameTopic(topic, topicId, positions);
  const plan = planOf(topic, withPublishedEnds(offsets, publishedEnds), positions, until);
  return topicId === undefined ? plan : { ...plan, topicId };
}

/**
 * Reads the transaction versions of the tables of a batch. `deliveries`, which is committed last, is read first: if
 * another run lands meanwhile, the other tables can then only be ahead of it. A table that does not exist yet is where
 * it will begin.
 * @throws {PipelineError} TABLE_LOG_INVALID for a table that was deleted
 */
export async function readPositions(warehouse: Warehouse): Promise<TablePositions> {
  const read = async (table: Table): Promise<Transactions | undefined> =>
    (await warehouse.table(table.name).headForAppend(deltaMetadata(table)))?.txns;
  const landed = await read(deliveries);
  const [derived] = await Promise.all([
    Promise.all(
      DERIVED_TABLES.map(async (table) => {
        const txns = (await read(table)) ?? initialTransactions(warehouse.path, table.name, landed);
        return [table.name, txns] as const;
      }),
    ),
    // Read only to fail early: a rewritten table or changed columns stop the run before it publishes or lands.
    Promise.all([replays, runs].map(read)),
  ]);
  return new Map([...derived, [deliveries.name, landed ?? new Map<string, bigint>()]]);
}

/**
 * Makes sure that the tables hold no messages of a deleted topic of the same name, whose offsets have no relation to
 * those of this one.
 * @throws {PipelineError} TOPIC_RESET
 */
export function requireSameTopic(topic: string, id: string, positions: TablePositions): void {
  const ids = [...positions.values()].flatMap((txns) => topicIdsIn(txns, topic));
  const before = ids.find((other) => other !== id);
  if (before !== undefined) throw recreatedTopic(topic, { id, before });
}

/** Returns the error for a topic that was deleted and created again. */
export function recreatedTopic(topic: string, { id, before }: { id: string; before: string }): PipelineError {
  return new PipelineError(
    'TOPIC_RESET',
    `${topic} was deleted and recreated: its id was ${before}, and is now ${id}`,
  );
}

/** Raises the end offsets to those of the run's own messages, which the broker may not report yet. */
function withPublishedEnds(
  offsets: readonly PartitionOffsets[],
  publishedEnds: PartitionEnds,
): PartitionOffsets[] {
  return offsets.map((offset) => {
    const published = publishedEnds[offset.partition] ?? '0';
    return BigInt(published) > BigInt(offset.end) ? { ...offset, end: published } : offset;
  });
}

/**
 * Returns the plan for a topic.
 * @param positions The transaction versions of each table of a batch.
 * @param until The ends past which nothing is planned; null for the end of the topic.
 * @throws {PipelineError} PAYLOAD_TOO_LARGE where the topic has too many partitions, RANGE_GONE, TOPIC_RESET, TABLE_LOG_INVALID
 */
export function planOf(
  topic: string,
  offsets: readonly PartitionOffsets[],
  positions: TablePositions,
  until: PartitionEnds | null,
): Plan {
  requireFewPartitions(topic, offsets.length);
  const ends = until ?? Object.fromEntries(offsets.map(({ partition, end }) => [partition, end]));
  const [unfinished] = offsets.flatMap((partition) => unfinishedRange(topic, partition, positions));
  if (unfinished !== undefined) return { ranges: [unfinished], ends, unfinished: true };
  const ranges = offsets.flatMap((partition) => {
    const appId = partitionAppId(topic, partition.partition);
    const position = positions.get(deliveries.name)?.get(appId);
    return dueRange(topic, partition, position, ends[partition.partition] ?? partition.end);
  });
  return { ranges, ends, unfinished: false };
}

/**
 * Returns the offsets of a partition that some tables hold and others do not: from the lowest version of a table to the
 * lowest higher version of another. Every table is then at the start of this range, or at or past its end, however many
 * runs were interrupted; so it can always be landed. The lowest is `deliveries`, which is committed last, or a table
 * that was set back to an earlier version, or one that was added to the warehouse, if an older version of this program
 * has landed without it since.
 * @throws {PipelineError} TABLE_LOG_INVALID, RANGE_GONE
 */
function unfinishedRange(
  topic: string,
  { partition, earliest }: PartitionOffsets,
  positions: TablePositions,
): OffsetRange[] {
  const appId = partitionAppId(topic, partition);
  const last = positions.get(deliveries.name)?.get(appId);
  const versions = [...positions].map(([table, txns]) => ({
    table,
    version: txns.get(appId),
    canBeBehind: txns.has(firstOffsetAppId(topic, partition)),
  }));
  const behind = versions.filter(({ version }) => last !== undefined && (version ?? -1n) < last);
  requireKnownBehind(appId, last, behind);
  const lowest = lowestOf(behind) ?? last;
  const end = lowestOf(versions.filter(({ version }) => (version ?? -1n) > (lowest ?? -1n)));
  if (end === undefined) return [];
  const start = lowest ?? BigInt(earliest);
  const isSetBack =
    behind.length > 0 || versions.some((one) => one.table === deliveries.name && one.canBeBehind);
  if (!isSetBack) return [{ partition, start: String(start), end: String(end) }];
  const tables = behind.filter(({ version }) => version === lowest).map(({ table }) => table);
  requireAvailable(topic, { partition, earliest }, start, tables);
  const limit = start + MAX_CATCH_UP_OFFSETS;
  return [{ partition, start: String(start), end: String(end < limit ? end : limit) }];
}

/** The position of a table in one partition. */
interface TableVersion {
  readonly table: string;
  readonly version: bigint | undefined;
  /** Whether the table was added to the warehouse, or set back to an earlier version. */
  readonly canBeBehind: boolean;
}

/** @throws {PipelineError} TABLE_LOG_INVALID for a table that is behind `deliveries` for no known reason */
function requireKnownBehind(appId: string, last: bigint | undefined, behind: readonly TableVersion[]): void {
  const lost = behind.find(({ version, canBeBehind }) => version === undefined || !canBeBehind);
  if (lost === undefined) return;
  throw new PipelineError(
    'TABLE_LOG_INVALID',
    `${deliveries.name} holds ${appId} up to ${last ?? 0n}, but ${lost.table} only up to ${lost.version ?? 'nothing'}; ` +
      `the table was changed by something else${rebuildAdvice(lost.table)}`,
  );
}

function lowestOf(tables: readonly { readonly version: bigint | undefined }[]): bigint | undefined {
  const versions = tables.flatMap(({ version }) => (version === undefined ? [] : [version]));
  return versions.reduce<bigint | undefined>(
    (least, version) => (least === undefined || version < least ? version : least),
    undefined,
  );
}

/**
 * @param behind The tables that are behind the others, to name them.
 * @throws {PipelineError} RANGE_GONE when Kafka has deleted messages after an offset
 */
function requireAvailable(
  topic: string,
  { partition, earliest }: Pick<PartitionOffsets, 'partition' | 'earliest'>,
  position: bigint,
  behind: readonly string[] = [],
): void {
  if (position >= BigInt(earliest)) return;
  const names = behind.length === 0 ? 'the tables hold' : `${behind.join(', ')}: the rows end with`;
  throw new PipelineError(
    'RANGE_GONE',
    `${topic}/${partition}: ${names} offsets up to ${position}, but the topic now begins at ${earliest}` +
      rebuildAdvice(...behind),
  );
}

function dueRange(
  topic: string,
  { partition, earliest, end }: PartitionOffsets,
  position: bigint | undefined,
  until: string,
): OffsetRange[] {
  const start = position ?? BigInt(earliest);
  if (start > BigInt(end)) {
    throw new PipelineError(
      'TOPIC_RESET',
      `${topic}/${partition}: the tables hold offsets up to ${start}, but the topic ends at ${end}`,
    );
  }
  requireAvailable(topic, { partition, earliest }, start);
  return start >= BigInt(until) ? [] : [{ partition, start: String(start), end: until }];
}
