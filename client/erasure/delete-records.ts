import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { withAdmin, type KafkaOptions } from '../../adapters/kafka/client.ts';
import { topicIdOf } from '../../adapters/kafka/wire/topic-id.ts';
import { formatCount } from '../../model/figures.ts';
import { readPositions, requireSameTopic } from '../../steps/landing/plan-batches.ts';
import { partitionAppId } from '../../steps/landing/transaction-ids.ts';
import { searchTopic } from './search-topic.ts';

/** The messages at the beginning of a partition that can be deleted from Kafka. */
export interface DuePrefix {
  readonly partition: number;
  /** The first offset that Kafka has. */
  readonly earliest: string;
  /** The offset before which all messages are deleted: after the last message of the persons that has landed. */
  readonly before: string;
}

/** The messages of a topic to delete from Kafka. */
export interface RecordDeletion {
  readonly topic: string;
  readonly partitions: readonly DuePrefix[];
  /** The messages of the persons in these prefixes. */
  readonly messages: number;
  /** The messages of the persons that stay, since they are not in every table yet. */
  readonly notLanded: number;
}

interface DeletionDeps {
  readonly warehouse: Warehouse;
  readonly kafka: KafkaOptions;
}

/**
 * Finds in each partition the messages up to the last one of the persons. No offset is included that is not in every
 * table. Read-only.
 * @throws {PipelineError} TOPIC_RESET, TABLE_REWRITTEN, an error of Kafka, of HDFS or of the log
 */
export async function planDeletion(
  deps: DeletionDeps,
  topic: string,
  persons: readonly string[],
): Promise<RecordDeletion> {
  const found = await searchTopic(deps.kafka, topic, new Set(persons));
  if (found.partitions.length === 0) return { topic, partitions: [], messages: 0, notLanded: 0 };
  const landed = await landedOffsets(deps, topic);
  const partitions: DuePrefix[] = [];
  let [messages, notLanded] = [0, 0];
  for (const { partition, earliest, offsets } of found.partitions) {
    const due = offsets.filter((offset) => offset < landed(partition));
    messages += due.length;
    notLanded += offsets.length - due.length;
    const last = due.at(-1);
    if (last !== undefined)
      partitions.push({ partition, earliest: String(earliest), before: String(last + 1n) });
  }
  return { topic, partitions, messages, notLanded };
}

/**
 * Deletes the messages from Kafka. Those of a partition stay if a table was set back behind them since they were found.
 * @returns The partitions whose messages were deleted.
 * @throws {PipelineError} As {@link planDeletion}; KAFKA_REFUSED without the right to delete.
 */
export async function deleteRecords(
  deps: DeletionDeps,
  { topic, partitions }: RecordDeletion,
): Promise<readonly DuePrefix[]> {
  const landed = await landedOffsets(deps, topic);
  const due = partitions.filter(({ partition, before }) => BigInt(before) <= landed(partition));
  if (due.length === 0) return due;
  await withAdmin(deps.kafka, async (admin) => {
    // The client looks up the partitions' leaders only for topics that it knows.
    await admin.fetchTopicOffsets(topic);
    const offsets = due.map(({ partition, before }) => ({ partition, offset: before }));
    await admin.deleteTopicRecords({ topic, partitions: offsets });
  });
  return due;
}

/** Returns a function that returns the offset of a partition before which every table has all messages. */
async function landedOffsets(
  { warehouse, kafka }: DeletionDeps,
  topic: string,
): Promise<(partition: number) => bigint> {
  const id = await topicIdOf(kafka, topic);
  const positions = await readPositions(warehouse);
  if (id !== undefined) requireSameTopic(topic, id, positions);
  return (partition) =>
    [...positions.values()]
      .map((txns) => txns.get(partitionAppId(topic, partition)) ?? 0n)
      .reduce((least, offset) => (offset < least ? offset : least));
}

/** Formats what is, or was, deleted, for people. */
export function formatDeletion(
  what: string,
  { topic, partitions, messages, notLanded }: RecordDeletion,
): string[] {
  return [
    ...partitions.map(
      ({ partition, earliest, before }) =>
        `${what}: ${topic}/${partition} from offset ${earliest} to before ${before}`,
    ),
    `${what}: ${formatCount(messages, 'message')} of the persons, and all before them`,
    ...(notLanded === 0
      ? []
      : [
          `kept: ${formatCount(notLanded, 'message')} of the persons that not every table has yet; start a run of the topic`,
        ]),
  ];
}
