import { mapConcurrent } from '../../lib/map-concurrent.ts';
import type { KafkaWithMarkers } from '../../adapters/kafka/client.ts';
import { fetchMaxMessageBytes, Publisher } from '../../adapters/kafka/publish.ts';
import { messageBytes, type OutgoingMessage } from '../../adapters/kafka/outgoing-message.ts';
import { parseHeaders } from '../../adapters/kafka/message-headers.ts';
import { PipelineError } from '../../model/errors.ts';
import { replaySet } from '../../model/identity.ts';
import { CHUNK_HEADER, REPLAY_HEADER, SOURCE_HEADER } from '../../model/references.ts';
import { userOf } from '../../records/user.ts';
import type { ChosenRow } from './selection.ts';
import type { Replay } from './replay-markers.ts';

/** The number of partitions published to concurrently; within each, messages are published in order. */
const MAX_CONCURRENT_PARTITIONS = 4;

/** Publishes quarantined rows again, each exactly once: in its own transaction, with a marker that names it. */
export class Republisher {
  readonly #kafka: KafkaWithMarkers;
  readonly #maxBytes = new Map<string, Promise<number>>();

  constructor(kafka: KafkaWithMarkers) {
    this.#kafka = kafka;
  }

  /** Returns why a row's topic cannot accept it; undefined if it can. */
  async refusalOf(row: ChosenRow): Promise<string | undefined> {
    const known = this.#maxBytes.get(row.topic) ?? fetchMaxMessageBytes(this.#kafka, row.topic);
    this.#maxBytes.set(row.topic, known);
    const [bytes, maxBytes] = [messageBytes(messageOf(row)), await known];
    return bytes <= maxBytes
      ? undefined
      : `it makes a message of ${bytes} bytes, more than its topic's limit of ${maxBytes}`;
  }

  /** Publishes rows; calls `onPublished` for each one in Kafka, also if a later one fails. */
  async publish(rows: readonly ChosenRow[], onPublished: (replay: Replay) => void): Promise<void> {
    await mapConcurrent(MAX_CONCURRENT_PARTITIONS, byPartition(rows), async ({ topic, queue }) => {
      const publisher = await Publisher.open(this.#kafka, topic);
      try {
        for (const row of queue) onPublished(await publishAgain(publisher, row));
      } finally {
        await publisher.close();
      }
    });
  }
}

/** Rows of one partition, in order. */
interface PartitionQueue {
  readonly topic: string;
  readonly queue: ChosenRow[];
}

function byPartition(rows: readonly ChosenRow[]): PartitionQueue[] {
  const queues = new Map<string, PartitionQueue>();
  for (const row of rows) {
    const { topic, partition } = row;
    const name = `${topic}/${partition ?? ''}`;
    const known = queues.get(name) ?? { topic, queue: [] };
    known.queue.push(row);
    queues.set(name, known);
  }
  return [...queues.values()];
}

/** Publishes one row in its own transaction with a marker, so that it is published only once. */
async function publishAgain(publisher: Publisher, row: ChosenRow): Promise<Replay> {
  const { ends } = await publisher.publishOnce({
    id: replaySet(row.reference),
    messages: oneMessage(messageOf(row)),
  });
  const [end] = Object.entries(ends);
  if (end === undefined) {
    throw new PipelineError('KAFKA_REFUSED', `the marker of the replay of ${row.reference} has no offset`);
  }
  return { row, partition: Number(end[0]), offset: BigInt(end[1]) - 1n };
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* oneMessage(message: OutgoingMessage): AsyncGenerator<OutgoingMessage[]> {
  yield [message];
}

/**
 * Returns the original message for its original partition, so that it stays ordered after earlier messages of its key. A
 * record that never was published becomes the message that it would have been.
 */
function messageOf({
  source,
  chunk,
  reference,
  partition,
  key,
  headers,
  payload,
}: ChosenRow): OutgoingMessage {
  const original: Record<string, (Buffer | string)[]> =
    chunk === null ? parseHeaders(headers ?? '[]') : { [SOURCE_HEADER]: [source], [CHUNK_HEADER]: [chunk] };
  const replayOf = [...(original[REPLAY_HEADER] ?? []), reference];
  return {
    key: chunk === null ? key : userOf(payload ?? Buffer.alloc(0)),
    value: payload,
    headers: { ...original, [REPLAY_HEADER]: replayOf },
    ...(partition === null ? {} : { partition }),
  };
}
