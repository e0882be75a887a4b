import type { KafkaWithMarkers } from '../../adapters/kafka/client.ts';
import { ensureTopic } from '../../adapters/kafka/topics.ts';
import { readRanges } from '../../adapters/kafka/read.ts';
import { createLogger } from '../../adapters/log.ts';
import type { OutgoingMessage } from '../../adapters/kafka/outgoing-message.ts';
import type { OffsetRange, PartitionEnds } from '../../model/references.ts';
import { SERVERS } from './harness.ts';

/** The broker that tests share. */
export const OPTIONS: KafkaWithMarkers = {
  brokers: [SERVERS.kafka],
  markerTopic: 'pipeline-markers',
  markerRetention: '400d',
  replicationFactor: 1,
  logger: createLogger('test', 'fatal'),
};
/** Prefix of the topics' names. */
export const PREFIX = `kafka-test-${process.pid}-${Date.now().toString(36)}`;

let topics = 0;

/** Creates a topic with a unique name. */
export async function newTopic(partitions: number): Promise<string> {
  topics += 1;
  const topic = `${PREFIX}-${topics}`;
  await ensureTopic(OPTIONS, topic, { partitions, replicationFactor: 1 });
  return topic;
}

/** Makes messages of 17 users, each with a value of its own. */
export function messages(count: number, from = 0): OutgoingMessage[] {
  return Array.from({ length: count }, (_, at) => ({
    key: `user-${(from + at) % 17}`,
    value: Buffer.from(`value ${from + at}`),
    headers: { source: 'test' },
  }));
}

/** Yields the messages to publish, a hundred at a time; throws instead of yielding those from `failAt` on. */
export async function* inPieces(
  all: readonly OutgoingMessage[],
  failAt?: number,
): AsyncGenerator<OutgoingMessage[]> {
  for (let at = 0; at < all.length; at += 100) {
    if (failAt !== undefined && at >= failAt) throw new TypeError('the producer died');
    yield await Promise.resolve(all.slice(at, at + 100));
  }
}

/** Result of reading a topic. */
export interface Read {
  readonly ranges: OffsetRange[];
  readonly values: string[];
  readonly offsets: string[];
}

/**
 * Reads ranges of a topic, until `isFull` is true for the number of messages.
 * @param pause Delays the processing of messages.
 */
export async function readMessages(
  topic: string,
  ranges: OffsetRange[],
  isFull: (count: number) => boolean = () => false,
  pause: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Read> {
  const values: string[] = [];
  const offsets: string[] = [];
  const done = await readRanges(
    OPTIONS,
    { topic, ranges },
    {
      onMessages: async (partition, some) => {
        await pause();
        for (const message of some) {
          values.push(message.value?.toString('utf8') ?? '');
          offsets.push(`${partition}:${message.offset}`);
        }
      },
      isFull: () => isFull(values.length),
      idleTimeoutMs: 5_000,
      signal: new AbortController().signal,
    },
  );
  return { ranges: done, values, offsets };
}

/** Reads the whole topic, once the broker reports the end of what was published, which can take a moment. */
export async function readAll(
  topic: string,
  ends: PartitionEnds,
  pause?: () => Promise<unknown>,
): Promise<Read> {
  return readMessages(
    topic,
    Object.entries(ends).map(([partition, end]) => ({ partition: Number(partition), start: '0', end })),
    undefined,
    pause,
  );
}
