import type { Broker, ProtocolRequest } from 'kafkajs/src/cluster/index.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import type { AbortedTransaction } from './aborted-transactions.ts';

/** The oldest version of this request that the brokers of today take, and the first one that knows transactions. */
const FETCH = { apiKey: 1, apiVersion: 4, apiName: 'Fetch' } as const;

const CONSUMER_REPLICA_ID = -1;
const READ_COMMITTED = 1;

/** A broker answers at once when it has anything. */
const MAX_WAIT_MS = 100;
const MIN_BYTES = 1;

/** The most bytes of an answer, and of a partition in it; the first batch comes whole, however large it is. */
const MAX_BYTES = 4 << 20;
const MAX_BYTES_PER_PARTITION = 1 << 20;

/** What a broker has of a partition. */
export interface FetchedPartition {
  readonly partition: number;
  /** Kafka's number of an error; 0 for none. */
  readonly error: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Batches, of which the last can be cut. */
  readonly records: Buffer;
}

/** Where a partition is read from on. */
interface FetchPosition {
  readonly partition: number;
  readonly offset: bigint;
}

/**
 * Asks a broker for messages of a topic from some offsets on.
 * @returns What shares the memory of the broker's answer.
 */
export async function fetchFrom(
  { connectionPool }: Broker,
  topic: string,
  from: readonly FetchPosition[],
): Promise<FetchedPartition[]> {
  const asked = fetchRequest(topic, from);
  const connection = await connectionPool.getConnectionByRequest(asked);
  // What comes after an answer the client keeps, be it nothing, and copies the whole next answer to join the two.
  if (connection.bytesBuffered === 0) connection.chunks = [];
  return connectionPool.send(asked);
}

/**
 * The request for messages of a topic from some offsets on, which no open transaction stands before. kafkajs has one
 * too, and makes six objects of each message.
 * Format: kafka.apache.org/protocol
 */
function fetchRequest(topic: string, from: readonly FetchPosition[]): ProtocolRequest<FetchedPartition[]> {
  const encode = (): Promise<Encoder> => {
    const encoder = new Encoder()
      .writeInt32(CONSUMER_REPLICA_ID)
      .writeInt32(MAX_WAIT_MS)
      .writeInt32(MIN_BYTES)
      .writeInt32(MAX_BYTES)
      .writeInt8(READ_COMMITTED)
      .writeInt32(1)
      .writeString(topic)
      .writeInt32(from.length);
    for (const { partition, offset } of from)
      encoder.writeInt32(partition).writeInt64(offset).writeInt32(MAX_BYTES_PER_PARTITION);
    return Promise.resolve(encoder);
  };
  return {
    request: { ...FETCH, encode },
    response: {
      decode: (answer) => Promise.resolve(decodeResponse(new Decoder(answer))),
      parse: (decoded) => Promise.resolve(decoded),
    },
  };
}

function decodeResponse(answer: Decoder): FetchedPartition[] {
  answer.readInt32(); // how long to hold back
  return answer
    .readArray((topic) => {
      topic.readString(); // its name: one was asked for
      return topic.readArray(decodePartition);
    })
    .flat();
}

function decodePartition(answer: Decoder): FetchedPartition {
  const partition = answer.readInt32();
  const error = answer.readInt16();
  answer.readInt64(); // where it ends
  answer.readInt64(); // where the first open transaction begins
  const aborted = answer.readArray((transaction) => ({
    producerId: transaction.readInt64(),
    firstOffset: transaction.readInt64(),
  }));
  const records = answer.readBytes() ?? Buffer.alloc(0);
  return { partition, error, aborted, records };
}
