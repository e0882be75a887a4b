import type { LogEntry } from '../../adapters/delta/history.ts';
import { erasedRangesIn } from '../../steps/erasure/erased-offsets.ts';
import type { Transactions } from '../../steps/landing/added-tables.ts';
import {
  parsePartitionAppId,
  partitionAppId,
  skippedRangesIn,
  topicIdsIn,
  type TopicPartition,
} from '../../steps/landing/transaction-ids.ts';
import type { KafkaOptions } from '../../adapters/kafka/client.ts';
import { topicIdOf } from '../../adapters/kafka/wire/topic-id.ts';
import { BATCH_TABLES, deliveries } from '../../tables/index.ts';
import type { VerifyFinding, Note } from './findings.ts';
import { readTopic, topicsIn } from './kafka.ts';
import { noRows, type Ledger } from './ledger.ts';
import { OffsetSet, type OffsetSpan } from './offset-set.ts';
import { checkPartition, type KafkaEvidence, type PartitionReport } from './partitions.ts';
import { batchesOf, landedOffsets, transactionsOf, type Snapshots } from './tables.ts';

/** The state of the tables that the topics are compared with. */
export interface TablesEvidence {
  readonly snapshots: Snapshots;
  /** The log of `deliveries`. */
  readonly entries: readonly LogEntry[];
  /** The offset from which a partition is verified, by `topic/partition`; the first known one for others. */
  readonly provedTo: ReadonlyMap<string, number>;
  readonly ledger: Ledger;
}

/** The result of {@link checkTopics}. */
export interface TopicsVerdict {
  readonly partitions: readonly PartitionReport[];
  readonly findings: readonly VerifyFinding[];
  readonly notes: readonly Note[];
}

/**
 * Compares Kafka's messages with the rows and the logs, for the named topics and all topics in the tables.
 * @param batchDecodedBytes The size limit of one batch after decompression, in bytes.
 */
export async function checkTopics(
  kafka: KafkaOptions,
  named: Iterable<string>,
  evidence: TablesEvidence,
  batchDecodedBytes: number,
): Promise<TopicsVerdict> {
  const positions = new Map(
    BATCH_TABLES.map((table) => [table.name, landedOffsets(transactionsOf(table, evidence.snapshots))]),
  );
  const landed = [...positions.values()].flatMap((one) =>
    [...one.keys()].flatMap((key) => parsePartitionAppId(key)?.topic ?? []),
  );
  const sources = new Set(named);
  const topics = new Set([...sources, ...landed, ...evidence.ledger.topics.keys()]);
  const existing = await topicsIn(kafka);
  const verdict = {
    partitions: [] as PartitionReport[],
    findings: [] as VerifyFinding[],
    notes: [] as Note[],
  };
  for (const topic of [...topics].sort()) {
    const topicState = { topic, exists: existing.has(topic), isSource: sources.has(topic) };
    const one = await checkTopic(kafka, topicState, { positions, evidence, batchDecodedBytes });
    verdict.partitions.push(...one.partitions);
    verdict.findings.push(...one.findings);
    verdict.notes.push(...one.notes);
  }
  return verdict;
}

interface TopicState {
  readonly topic: string;
  /** Whether Kafka has it. */
  readonly exists: boolean;
  /** Whether a source of pipeline.yaml has it. */
  readonly isSource: boolean;
}

/** Adds the skipped offsets of a partition that the transactions record to those of the log's entries. */
function skippedOffsets(
  txns: Transactions,
  { topic, partition }: TopicPartition,
  inEntries = new OffsetSet(),
): OffsetSet {
  for (const range of skippedRangesIn(txns, topic))
    if (range.partition === partition)
      inEntries.addSpan({ start: Number(range.start), end: Number(range.end) });
  return inEntries;
}

/** Returns the offsets of a partition's erased messages. */
function erasedOffsets(txns: Transactions, { topic, partition }: TopicPartition): OffsetSet {
  const offsets = new OffsetSet();
  for (const range of erasedRangesIn(txns))
    if (range.topic === topic && range.partition === partition)
      offsets.addSpan({ start: Number(range.start), end: Number(range.end) });
  return offsets;
}

async function checkTopic(
  kafka: KafkaOptions,
  topicState: TopicState,
  {
    positions,
    evidence: { snapshots, entries, ledger, provedTo },
    batchDecodedBytes,
  }: {
    readonly positions: ReadonlyMap<string, ReadonlyMap<string, number>>;
    readonly evidence: TablesEvidence;
    readonly batchDecodedBytes: number;
  },
): Promise<TopicsVerdict> {
  const { topic, exists } = topicState;
  const held = heldPartitions(topic, positions);
  const messages = exists
    ? await readTopic(kafka, topic, heldSpans(topic, held, provedTo), batchDecodedBytes)
    : new Map<number, KafkaEvidence>();
  const id = exists ? await topicIdOf(kafka, topic) : undefined;
  const rows = ledger.topics.get(topic);
  const batches = batchesOf(entries);
  const txns = snapshots.get(deliveries)?.txns ?? new Map<string, bigint>();
  const partitions = new Set([...messages.keys(), ...held.keys(), ...(rows?.keys() ?? [])]);
  const verdicts = [...partitions]
    .sort((a, b) => a - b)
    .map((partition) => {
      const key = `${topic}/${partition}`;
      const batch = batches.get(key);
      return checkPartition({
        topic,
        partition,
        kafka: messages.get(partition),
        positions: new Map([...positions].map(([table, txns]) => [table, txns.get(key)])),
        rows: rows?.get(partition) ?? noRows(),
        skipped: skippedOffsets(txns, { topic, partition }, batch?.skipped),
        erased: erasedOffsets(txns, { topic, partition }),
        firstStart: batch?.firstStart,
        provedTo: provedTo.get(key),
      });
    });
  const isGone = !exists && held.size > 0;
  return {
    partitions: verdicts.map(({ report }) => report),
    findings: [
      ...(isGone && topicState.isSource ? [goneFinding(topic)] : []),
      ...(id === undefined ? [] : checkTopicId(topic, id, topicIdsIn(txns, topic))),
      ...verdicts.flatMap(({ findings }) => findings),
    ],
    notes: [
      ...notesOf(topicState, isGone, ledger.refusedOf(topic)),
      ...verdicts.flatMap(({ notes }) => notes),
    ],
  };
}

/** Returns the landed offset of each partition of a topic. */
function heldPartitions(
  topic: string,
  positions: ReadonlyMap<string, ReadonlyMap<string, number>>,
): Map<number, number> {
  return new Map(
    [...(positions.get(deliveries.name) ?? [])].flatMap(([key, position]) => {
      const entry = parsePartitionAppId(key);
      return entry?.topic === topic ? [[entry.partition, position] as const] : [];
    }),
  );
}

/** Returns the offsets of each partition to compare with Kafka. */
function heldSpans(
  topic: string,
  held: ReadonlyMap<number, number>,
  provedTo: ReadonlyMap<string, number>,
): Map<number, OffsetSpan> {
  const startOf = (partition: number): number => provedTo.get(partitionAppId(topic, partition)) ?? 0;
  return new Map([...held].map(([partition, end]) => [partition, { start: startOf(partition), end }]));
}

/** Detects a recreated topic by its id, since its messages may happen to match the rows of the old one. */
function checkTopicId(topic: string, id: string, held: readonly string[]): VerifyFinding[] {
  const previous = held.filter((other) => other !== id);
  if (previous.length === 0) return [];
  const message = `the tables hold messages of a topic of this name that had the id ${previous.join(', ')}; its id is now ${id}`;
  return [{ code: 'TOPIC_RESET', where: topic, message }];
}

function goneFinding(topic: string): VerifyFinding {
  const message = 'the tables hold messages of this topic, which no longer exists in Kafka';
  return { code: 'TOPIC_GONE', where: topic, message };
}

function notesOf({ topic, exists, isSource }: TopicState, isGone: boolean, refused: number): Note[] {
  const note = (message: string): Note => ({ where: topic, message });
  return [
    ...(exists || isGone ? [] : [note('nothing was published to this topic yet')]),
    ...(isSource ? [] : [note('no source of pipeline.yaml has this topic any more')]),
    ...(refused === 0 ? [] : [note(`${refused} records were refused at publish; they are in quarantine`)]),
  ];
}
