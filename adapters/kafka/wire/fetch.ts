import type { Broker, ProtocolRequest } from 'kafkajs/src/cluster/index.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import type { AbortedTransaction } from './aborted-transactions.ts';

/** The first version with `isolation_level`, and the oldest one that Kafka 4 supports (KIP-896). */
const FETCH = { apiKey: 1, apiVersion: 4, apiName: 'Fetch' } as const;

const CONSUMER_REPLICA_ID = -1;
/** Values of `isolation_level`: reads end at the high watermark, or at the last stable offset. */
export const READ_UNCOMMITTED = 0;
export const READ_COMMITTED = 1;

/** The broker answers as soon as it has MIN_BYTES, or after MAX_WAIT_MS. */
const MAX_WAIT_MS = 100;
const MIN_BYTES = 1;

/** Limits of a response, and of a partition in it. The first batch of a response is returned whole, whatever its size. */
const MAX_BYTES = 4 << 20;
const MAX_BYTES_PER_PARTITION = 1 << 20;

export type IsolationLevel = typeof READ_UNCOMMITTED | typeof READ_COMMITTED;

/** One partition of a Fetch response. */
export interface FetchedPartition {
  readonly partition: number;
  /** Kafka's error code; 0 for none. */
  readonly error: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Record batches; the last one can be truncated. */
  readonly records: Buffer;
}

/** The offset from which a partition is read. */
interface FetchPosition {
  readonly partition: number;
  readonly offset: bigint;
}

/**
 * Sends a Fetch request to a partition leader.
 * @returns Partitions whose `records` share the memory of the response.
 */
export async function fetchFrom(
  { connectionPool }: Broker,
  topic: string,
  positions: readonly FetchPosition[],
  isolation: IsolationLevel,
): Promise<FetchedPartition[]> {
  const request = fetchRequest(topic, positions, isolation);
  const connection = await connectionPool.getConnectionByRequest(request);
  // kafkajs keeps the rest after a response, even an empty one, and concatenates (copies) it with the next response.
  if (connection.bytesBuffered === 0) connection.chunks = [];
  return connectionPool.send(request);
}

/**
 * Encodes a Fetch request and decodes its response down to `records`, since kafkajs's own decoder creates
 * several objects per message. Format: https://kafka.apache.org/protocol#The_Messages_Fetch
 *
 * | Request (v4)          | Type   | Bytes |                          |
 * | --------------------- | ------ | ----: | ------------------------ |
 * | replica_id            | INT32  |     4 | -1: a consumer           |
 * | max_wait_ms           | INT32  |     4 |                          |
 * | min_bytes             | INT32  |     4 |                          |
 * | max_bytes             | INT32  |     4 |                          |
 * | isolation_level       | INT8   |     1 | {@link IsolationLevel}   |
 * | topics                | ARRAY  |     4 | 1                        |
 * | – topic               | STRING | 2 + n |                          |
 * | – partitions          | ARRAY  |     4 |                          |
 * | – – partition         | INT32  |     4 |                          |
 * | – – fetch_offset      | INT64  |     8 |                          |
 * | – – partition_max_bytes | INT32 |    4 |                          |
 */
function fetchRequest(
  topic: string,
  positions: readonly FetchPosition[],
  isolation: IsolationLevel,
): ProtocolRequest<FetchedPartition[]> {
  const encode = (): Promise<Encoder> => {
    const encoder = new Encoder()
      .writeInt32(CONSUMER_REPLICA_ID)
      .writeInt32(MAX_WAIT_MS)
      .writeInt32(MIN_BYTES)
      .writeInt32(MAX_BYTES)
      .writeInt8(isolation)
      .writeInt32(1)
      .writeString(topic)
      .writeInt32(positions.length);
    for (const { partition, offset } of positions)
      encoder.writeInt32(partition).writeInt64(offset).writeInt32(MAX_BYTES_PER_PARTITION);
    return Promise.resolve(encoder);
  };
  return {
    request: { ...FETCH, encode },
    response: {
      decode: (payload) => Promise.resolve(decodeResponse(new Decoder(payload))),
      parse: (decoded) => Promise.resolve(decoded),
    },
  };
}

/**
 * Decodes a Fetch response.
 *
 * | Response (v4)           | Type           | Bytes |                                |
 * | ----------------------- | -------------- | ----: | ------------------------------ |
 * | throttle_time_ms        | INT32          |     4 | not used                       |
 * | responses               | ARRAY          |     4 | 1                              |
 * | – topic                 | STRING         | 2 + n | not used                       |
 * | – partitions            | ARRAY          |     4 |                                |
 * | – – partition_index     | INT32          |     4 |                                |
 * | – – error_code          | INT16          |     2 |                                |
 * | – – high_watermark      | INT64          |     8 | not used                       |
 * | – – last_stable_offset  | INT64          |     8 | not used                       |
 * | – – aborted_transactions | NULLABLE ARRAY |    4 | -1: null                       |
 * | – – – producer_id       | INT64          |     8 |                                |
 * | – – – first_offset      | INT64          |     8 |                                |
 * | – – records             | NULLABLE_BYTES | 4 + n | record batches, see record-batch.ts |
 */
function decodeResponse(decoder: Decoder): FetchedPartition[] {
  decoder.readInt32(); // throttle_time_ms
  return decoder
    .readArray((topic) => {
      topic.readString();
      return topic.readArray(decodePartition);
    })
    .flat();
}

function decodePartition(decoder: Decoder): FetchedPartition {
  const partition = decoder.readInt32();
  const error = decoder.readInt16();
  decoder.readInt64(); // high_watermark
  decoder.readInt64(); // last_stable_offset
  const aborted = decoder.readArray((transaction) => ({
    producerId: transaction.readInt64(),
    firstOffset: transaction.readInt64(),
  }));
  const records = decoder.readBytes() ?? Buffer.alloc(0);
  return { partition, error, aborted, records };
}
