import { topicOffsets, type KafkaOptions } from '../../adapters/kafka/client.ts';
import { readRanges } from '../../adapters/kafka/read.ts';
import { userOf } from '../../records/user.ts';
import { topicsIn } from '../verify/kafka.ts';

/** The messages of persons that one partition still has. */
export interface FoundInPartition {
  readonly partition: number;
  /** The first offset that Kafka has. */
  readonly earliest: bigint;
  /** Offsets of the messages, ascending. */
  readonly offsets: readonly bigint[];
}

/** The messages of persons that Kafka still has. */
export interface FoundInTopic {
  readonly partitions: readonly FoundInPartition[];
  /** The time of the latest of them, in milliseconds since 1970; -Infinity if there are none. */
  readonly latestMs: number;
}

/** The read fails if no offset arrives for this long. */
const IDLE_TIMEOUT_MS = 20_000;

/**
 * Reads all messages of a topic, to find those of persons by their keys, and by the users in their payloads. Read-only.
 * @throws {PipelineError} An error of Kafka.
 */
export async function searchTopic(
  kafka: KafkaOptions,
  topic: string,
  persons: ReadonlySet<string>,
): Promise<FoundInTopic> {
  if (!(await topicsIn(kafka)).has(topic)) return { partitions: [], latestMs: -Infinity };
  const ranges = (await topicOffsets(kafka, topic))
    .filter(({ earliest, end }) => earliest !== end)
    .map(({ partition, earliest, end }) => ({ partition, start: earliest, end }));
  const found = new Map(ranges.map(({ partition }): [number, bigint[]] => [partition, []]));
  let latestMs = -Infinity;
  if (ranges.length > 0)
    await readRanges(
      kafka,
      { topic, ranges },
      {
        onMessages: (partition, some) => {
          for (const { key, value, offset, timestampMs } of some) {
            const user = value === null ? null : userOf(value);
            if (!persons.has(String(key)) && !(user !== null && persons.has(user))) continue;
            found.get(partition)?.push(offset);
            latestMs = Math.max(latestMs, Number(timestampMs));
          }
          return Promise.resolve();
        },
        isFull: () => false,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        signal: new AbortController().signal,
      },
    );
  const partitions = ranges.map(({ partition, start }) => ({
    partition,
    earliest: BigInt(start),
    offsets: found.get(partition) ?? [],
  }));
  return { partitions, latestMs };
}
