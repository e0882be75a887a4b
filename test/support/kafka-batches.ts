import { gzipSync } from 'node:zlib';
import { crc32, crc32c } from '@node-rs/crc32';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import produceResponse from 'kafkajs/src/protocol/requests/produce/v3/response.js';
import { compressFrameSync } from 'lz4-napi';
import { compress } from 'snappyjs';
import { openCluster } from '../../adapters/kafka/wire/cluster.ts';
import type { CodecName } from '../../adapters/kafka/wire/compression.ts';
import { sendRequest } from '../../adapters/kafka/wire/send-request.ts';
import {
  HEADER_OFFSETS,
  HEADER_BYTES,
  RecordBatch,
  encodeHeaders,
} from '../../adapters/kafka/wire/record-batch.ts';
import type { KafkaOptions } from '../../adapters/kafka/client.ts';

/** Codecs of record batches, with their numbers in a batch's attributes. */
const CODECS: Partial<
  Record<CodecName, { readonly number: number; readonly pack: (records: Buffer) => Buffer }>
> = {
  gzip: { number: 1, pack: (records) => gzipSync(records, { level: 9 }) },
  snappy: { number: 2, pack: (records) => Buffer.from(compress(records)) },
  lz4: { number: 3, pack: (records) => compressFrameSync(records) },
};

const PRODUCE = { apiKey: 0, apiVersion: 3, apiName: 'Produce' } as const;
const NO_TRANSACTION = -1;
const ALL_REPLICAS = -1;
const TIMEOUT_MS = 30_000;

/** Makes a batch of messages, as a producer without transactions sends it. */
export function compressedBatch(codec: CodecName, ...values: readonly Buffer[]): Buffer {
  const { number, pack } = CODECS[codec] ?? {};
  if (number === undefined || pack === undefined) throw new TypeError(`${codec} is not written here`);
  const batch = new RecordBatch();
  for (const value of values) batch.add({ key: null, value, headers: encodeHeaders([]) });
  const plain = batch.seal({ id: -1n, epoch: -1, firstSequence: -1 }, Date.now());
  const bytes = Buffer.concat([plain.subarray(0, HEADER_BYTES), pack(plain.subarray(HEADER_BYTES))]);
  bytes.writeInt16BE(number, HEADER_OFFSETS.attributes);
  bytes.writeInt32BE(bytes.length - HEADER_OFFSETS.leaderEpoch, HEADER_OFFSETS.length);
  bytes.writeUInt32BE(crc32c(bytes.subarray(HEADER_OFFSETS.attributes)), HEADER_OFFSETS.crc);
  return bytes;
}

/** Makes a message in the format of producers before 0.11; if compressed, its value contains messages. */
export function legacyMessage(format: number, offset: bigint, codec = 0): Buffer {
  const time = format === 0 ? [] : [Buffer.alloc(8)];
  const body = Buffer.concat([
    Buffer.from([format, codec]),
    ...time,
    Buffer.from('ffffffff' + '0000000161', 'hex'),
  ]);
  const head = Buffer.alloc(HEADER_OFFSETS.magic);
  head.writeBigInt64BE(offset, 0);
  head.writeInt32BE(body.length + 4, HEADER_OFFSETS.length);
  head.writeUInt32BE(crc32(body), HEADER_OFFSETS.leaderEpoch);
  return Buffer.concat([head, body]);
}

/** Sends batches to a partition of a single-broker cluster, one after the other. */
export async function produceBatches(
  options: KafkaOptions,
  topic: string,
  partition: number,
  batches: readonly Buffer[],
): Promise<void> {
  const { cluster } = openCluster(options, 'batches');
  try {
    await cluster.connect();
    const broker = await cluster.brokerPool.findConnectedBroker();
    for (const batch of batches) {
      const head = new Encoder()
        .writeInt16(NO_TRANSACTION)
        .writeInt16(ALL_REPLICAS)
        .writeInt32(TIMEOUT_MS)
        .writeInt32(1)
        .writeString(topic)
        .writeInt32(1)
        .writeInt32(partition)
        .writeInt32(batch.length).buffer;
      await sendRequest(broker, { request: PRODUCE, parts: [head, batch], response: produceResponse });
    }
  } finally {
    await cluster.disconnect();
  }
}

/** The producer's time of the batches that {@link batchOf} makes. */
export const TIME_MS = 1_516_717_442_735;

/** Fields of a batch's head. */
export interface BatchHead {
  readonly firstOffset?: bigint;
  readonly attributes?: number;
  readonly producerId?: bigint;
}

/** Returns a sealed record batch with the given fields of its head, as a broker may return it. */
export function batchOf(values: readonly string[], head: BatchHead = {}): Buffer {
  const batch = new RecordBatch();
  for (const value of values) batch.add({ key: null, value: Buffer.from(value), headers: encodeHeaders([]) });
  const producer = { id: head.producerId ?? 7n, epoch: 0, firstSequence: 0 };
  return changeBatch(Buffer.from(batch.seal(producer, TIME_MS)), (bytes) => {
    bytes.writeBigInt64BE(head.firstOffset ?? 0n, 0);
    bytes.writeInt16BE(head.attributes ?? 0, HEADER_OFFSETS.attributes);
  });
}

/** Changes a batch, then corrects its length and checksum. */
export function changeBatch(batch: Buffer, change: (bytes: Buffer) => unknown): Buffer {
  const made = change(batch);
  const bytes = Buffer.isBuffer(made) ? made : batch;
  bytes.writeInt32BE(bytes.length - HEADER_OFFSETS.leaderEpoch, HEADER_OFFSETS.length);
  bytes.writeUInt32BE(crc32c(bytes.subarray(HEADER_OFFSETS.attributes)), HEADER_OFFSETS.crc);
  return bytes;
}
