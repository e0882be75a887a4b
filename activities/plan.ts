import { topicOffsetsPast, type PartitionOffsets } from '../adapters/kafka/client.ts';
import { ensureTopic, requireFewPartitions } from '../adapters/kafka/topics.ts';
import { topicIdOf } from '../adapters/kafka/wire/topic-id.ts';
import { PipelineError } from '../model/errors.ts';
import type { OffsetRange, PartitionEnds } from '../model/references.ts';
import { DERIVED_TABLES, deliveries, replays, runs } from '../tables/index.ts';
import { deltaMetadata, type Table } from '../tables/table.ts';
import type { ActivityDeps } from './deps.ts';
import { partitionAppId, topicIdsIn } from '../steps/landing/transaction-ids.ts';

/** What `plan` is asked for. */
export interface PlanRequest {
  readonly topic: string;
  /** Where the run's own messages end; they are planned for even if the broker does not show them yet. */
  readonly publishedEnds: PartitionEnds;
  /** The ends of the run's first plan: what came later is left to another run. */
  readonly until: PartitionEnds | null;
}

/** What is to be landed. */
export interface Plan {
  /** What no table is known to hold whole, up to the end of the topic as it is now. */
  readonly ranges: readonly OffsetRange[];
  /**
   * Whether this is a range of one partition that landed in some of the tables alone, since whoever landed it
   * stopped. It must be landed as exactly that batch; then a new plan says what follows.
   */
  readonly unfinished: boolean;
  /** Where the planned part of each partition ends. */
  readonly ends: PartitionEnds;
  /** Kafka's id of the topic, where its cluster gives ids. */
  readonly topicId?: string;
}

/**
 * Says what of a topic is to be landed: from where the tables stand, to where the topic ends. A topic that
 * does not exist yet is made, so that a run can wait for those who will fill it by finding nothing new.
 * @throws {PipelineError} PAYLOAD_TOO_LARGE, RANGE_GONE, TOPIC_RESET, TABLE_REWRITTEN, TABLE_OTHER_COLUMNS,
 * TABLE_LOG_CHANGED, TABLE_LOG_INVALID, KAFKA_UNREACHABLE, an error of HDFS
 */
export function createPlan({
  settings,
  kafka,
  warehouse,
}: Pick<ActivityDeps, 'settings' | 'kafka' | 'warehouse'>) {
  const madeTopic = async (topic: string): Promise<string | undefined> => {
    await ensureTopic(kafka, topic, settings.kafka);
    return topicIdOf(kafka, topic);
  };
  return async function plan({ topic, publishedEnds, until }: PlanRequest): Promise<Plan> {
    const [positions, topicId] = await Promise.all([positionsIn(warehouse), madeTopic(topic)]);
    // The topic comes after the tables: what others land in between then ends before it does.
    const offsets = await topicOffsetsPast(kafka, topic, until === null ? publishedEnds : {});
    if (topicId !== undefined) requireSameTopic(topic, topicId, positions);
    const due = planOf(topic, withOwn(offsets, publishedEnds), positions, until);
    return topicId === undefined ? due : { ...due, topicId };
  };
}

/**
 * For each table of a batch the versions of its transactions. The table that is committed last is read first: of what
 * others land meanwhile the rest may know more than it does, but never less.
 */
async function positionsIn(
  warehouse: ActivityDeps['warehouse'],
): Promise<ReadonlyMap<string, ReadonlyMap<string, bigint>>> {
  const positionsOf = async (table: Table): Promise<[string, ReadonlyMap<string, bigint>]> => {
    const head = await warehouse.table(table.name).headForAppend(deltaMetadata(table));
    return [table.name, head?.txns ?? new Map<string, bigint>()];
  };
  const last = await positionsOf(deliveries);
  const [derived] = await Promise.all([
    Promise.all(DERIVED_TABLES.map(positionsOf)),
    // A run is stopped by lost rows or other columns of any table, before it publishes a content or lands a batch.
    Promise.all([replays, runs].map(positionsOf)),
  ]);
  return new Map([...derived, last]);
}

/**
 * Makes sure that the tables hold nothing of another topic of this name, whose offsets say nothing of this one.
 * @throws {PipelineError} TOPIC_RESET
 */
export function requireSameTopic(
  topic: string,
  id: string,
  positions: ReadonlyMap<string, ReadonlyMap<string, bigint>>,
): void {
  const held = [...positions.values()].flatMap((txns) => topicIdsIn(txns, topic));
  const before = held.find((other) => other !== id);
  if (before !== undefined) throw recreatedTopic(topic, { id, before });
}

/** That a topic is not the one that it was. */
export function recreatedTopic(topic: string, { id, before }: { id: string; before: string }): PipelineError {
  return new PipelineError(
    'TOPIC_RESET',
    `${topic} was deleted and made anew: its id was ${before}, and is now ${id}`,
  );
}

/** Where the broker does not show the run's own messages yet, they count all the same. */
function withOwn(offsets: readonly PartitionOffsets[], publishedEnds: PartitionEnds): PartitionOffsets[] {
  return offsets.map((offset) => {
    const own = publishedEnds[offset.partition] ?? '0';
    return BigInt(own) > BigInt(offset.end) ? { ...offset, end: own } : offset;
  });
}

/**
 * The plan for a topic.
 * @param positions For each table of a batch the versions of its transactions.
 * @param until Nothing from these ends on is planned.
 * @throws {PipelineError} PAYLOAD_TOO_LARGE where the topic has too many partitions, RANGE_GONE, TOPIC_RESET, TABLE_LOG_INVALID
 */
export function planOf(
  topic: string,
  offsets: readonly PartitionOffsets[],
  positions: ReadonlyMap<string, ReadonlyMap<string, bigint>>,
  until: PartitionEnds | null,
): Plan {
  requireFewPartitions(topic, offsets.length);
  const ends = until ?? Object.fromEntries(offsets.map(({ partition, end }) => [partition, end]));
  const [half] = offsets.flatMap((partition) => unfinishedRange(topic, partition, positions));
  if (half !== undefined) return { ranges: [half], ends, unfinished: true };
  const ranges = offsets.flatMap((partition) => {
    const appId = partitionAppId(topic, partition.partition);
    const position = positions.get(deliveries.name)?.get(appId);
    return dueRange(topic, partition, position, ends[partition.partition] ?? partition.end);
  });
  return { ranges, ends, unfinished: false };
}

/**
 * The offsets of a partition that other tables hold and `deliveries`, which comes last, does not: up to the
 * nearest place where one of them stands. Each table then stands at this range's start, or at its end or past
 * it, whatever several runs left half done; so it can always be landed.
 */
function unfinishedRange(
  topic: string,
  { partition, earliest }: PartitionOffsets,
  positions: ReadonlyMap<string, ReadonlyMap<string, bigint>>,
): OffsetRange[] {
  const appId = partitionAppId(topic, partition);
  const last = positions.get(deliveries.name)?.get(appId);
  const others = [...positions].map(([table, txns]) => ({ table, at: txns.get(appId) }));
  const behind = others.find(({ at }) => last !== undefined && (at ?? -1n) < last);
  if (behind !== undefined) {
    throw new PipelineError(
      'TABLE_LOG_INVALID',
      `${deliveries.name} holds ${appId} up to ${last ?? 0n}, but ${behind.table} only up to ${behind.at ?? 'nothing'}; ` +
        'the table is a new one, or was changed by something else',
    );
  }
  const begun = others.flatMap(({ at }) => (at !== undefined && at > (last ?? -1n) ? [at] : []));
  if (begun.length === 0) return [];
  const nearest = begun.reduce((least, at) => (at < least ? at : least));
  return [{ partition, start: String(last ?? earliest), end: String(nearest) }];
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
  if (start < BigInt(earliest)) {
    throw new PipelineError(
      'RANGE_GONE',
      `${topic}/${partition}: the tables hold offsets up to ${start}, but the topic now begins at ${earliest}`,
    );
  }
  return start >= BigInt(until) ? [] : [{ partition, start: String(start), end: until }];
}
