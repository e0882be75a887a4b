import { mapConcurrent } from '../../lib/map-concurrent.ts';
import type { KafkaOptions } from '../../adapters/kafka/client.ts';
import { fetchMaxMessageBytes, publishOnce } from '../../adapters/kafka/publish.ts';
import { messageBytes, type OutgoingMessage } from '../../adapters/kafka/outgoing-message.ts';
import { parseHeaders } from '../../adapters/kafka/message-headers.ts';
import { PipelineError } from '../../model/errors.ts';
import { replaySet } from '../../model/identity.ts';
import { CHUNK_HEADER, REPLAY_HEADER, SOURCE_HEADER } from '../../model/references.ts';
import { userOf } from '../../records/user.ts';
import type { ChosenRow } from './selection.ts';
import type { Replay } from './replay-markers.ts';

/** So many partitions are published to at once; of each, one message after the other, so that they keep their order. */
const PARTITIONS_AT_ONCE = 4;

/** Publishes rows of quarantine again, each in a transaction of its own, whose marker names it: so it is there once. */
export class Republisher {
  readonly #kafka: KafkaOptions;
  readonly #maxBytes = new Map<string, Promise<number>>();

  constructor(kafka: KafkaOptions) {
    this.#kafka = kafka;
  }

  /** Why its topic cannot take a row; undefined when it can. */
  async refusalOf(row: ChosenRow): Promise<string | undefined> {
    const known = this.#maxBytes.get(row.topic) ?? fetchMaxMessageBytes(this.#kafka, row.topic);
    this.#maxBytes.set(row.topic, known);
    const [bytes, most] = [messageBytes(messageOf(row)), await known];
    return bytes <= most
      ? undefined
      : `it makes a message of ${bytes} bytes, more than the ${most} that its topic takes`;
  }

  /** Publishes rows; hears of each when it is in Kafka, also where a later one fails. */
  async publish(rows: readonly ChosenRow[], published: (replay: Replay) => void): Promise<void> {
    await mapConcurrent(PARTITIONS_AT_ONCE, byPartition(rows), async (queue) => {
      for (const row of queue) published(await publishAgain(this.#kafka, row));
    });
  }
}

function byPartition(rows: readonly ChosenRow[]): ChosenRow[][] {
  const queues = new Map<string, ChosenRow[]>();
  for (const row of rows) {
    const name = `${row.topic}/${row.partition ?? ''}`;
    queues.set(name, [...(queues.get(name) ?? []), row]);
  }
  return [...queues.values()];
}

/** Publishes one again in a transaction of its own, whose marker names it: so it is there once for ever. */
async function publishAgain(kafka: KafkaOptions, row: ChosenRow): Promise<Replay> {
  const { ends } = await publishOnce(kafka, {
    id: replaySet(row.reference),
    topic: row.topic,
    messages: oneMessage(messageOf(row)),
  });
  const [end] = Object.entries(ends);
  if (end === undefined) {
    throw new PipelineError('KAFKA_REFUSED', `the marker of the replay of ${row.reference} names no offset`);
  }
  return { row, partition: Number(end[0]), offset: BigInt(end[1]) - 1n };
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* oneMessage(message: OutgoingMessage): AsyncGenerator<OutgoingMessage[]> {
  yield [message];
}

/**
 * The message as it was, to the partition where it stood, so that it stays behind what its key had there before. A
 * record that never was a message becomes the one that it would have been.
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
  const before: Record<string, (Buffer | string)[]> =
    chunk === null ? parseHeaders(headers ?? '[]') : { [SOURCE_HEADER]: [source], [CHUNK_HEADER]: [chunk] };
  const replayOf = [...(before[REPLAY_HEADER] ?? []), reference];
  return {
    key: chunk === null ? key : userOf(payload ?? Buffer.alloc(0)),
    value: payload,
    headers: { ...before, [REPLAY_HEADER]: replayOf },
    ...(partition === null ? {} : { partition }),
  };
}
