import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import kafkajs, { type Message, type ProducerConfig } from 'kafkajs';
import { compressFrame } from 'lz4-napi';
import { compress } from 'snappyjs';
import { codecOf, type CodecName } from '../../../adapters/kafka/wire/compression.ts';
import { kafkaClient, type KafkaOptions } from '../../../adapters/kafka/client.ts';
import { DEFAULT_BATCH_DECODED_BYTES } from '../../../model/settings-limits.ts';
import type { Publication, Publish, TestMessage } from './message.ts';

/** The buffer that kafkajs passes to a codec. */
interface Encoder {
  readonly buffer: Buffer;
}

/**
 * kafkajs as others use it, compressing with what its documentation names. Its codecs are those of the whole
 * process; so in a test's process they read as the pipeline does and, unlike the pipeline's, also write.
 */
export function kafkajsClient(options: KafkaOptions): Publish {
  teachCompression();
  return async ({ topic, codec, guarantee }, messages) => {
    const compression = TYPES[codec];
    const record = { topic, compression, messages: messages.map(messageOf) };
    const settings: ProducerConfig = {
      idempotent: guarantee !== 'plain',
      maxInFlightRequests: 1,
      ...(guarantee === 'transactional' ? { transactionalId: `kafkajs-${topic}` } : {}),
    };
    const producer = kafkaClient(options, 'others').producer(settings);
    await producer.connect();
    try {
      if (guarantee !== 'transactional') {
        await producer.send(record);
        return;
      }
      const transaction = await producer.transaction();
      await transaction.send(record);
      await transaction.commit();
    } finally {
      await producer.disconnect();
    }
  };
}

const TYPES: Record<Publication['codec'], kafkajs.CompressionTypes> = {
  none: kafkajs.CompressionTypes.None,
  gzip: kafkajs.CompressionTypes.GZIP,
  snappy: kafkajs.CompressionTypes.Snappy,
  lz4: kafkajs.CompressionTypes.LZ4,
  zstd: kafkajs.CompressionTypes.ZSTD,
};

function teachCompression(): void {
  const { CompressionTypes, CompressionCodecs } = kafkajs;
  const gzipped = promisify<Buffer, Buffer>(gzip);
  Object.assign(CompressionCodecs, {
    [CompressionTypes.GZIP]: () => ({
      compress: ({ buffer }: Encoder) => gzipped(buffer),
      decompress: decompressOf('gzip'),
    }),
    [CompressionTypes.Snappy]: () => ({
      compress: ({ buffer }: Encoder) => Promise.resolve(compress(buffer)),
      decompress: decompressOf('snappy'),
    }),
    [CompressionTypes.LZ4]: () => ({
      compress: ({ buffer }: Encoder) => compressFrame(buffer),
      decompress: decompressOf('lz4'),
    }),
  });
}

function decompressOf(name: CodecName): (compressed: Buffer) => Promise<Buffer> {
  return (compressed) => codecOf(name)(compressed, DEFAULT_BATCH_DECODED_BYTES);
}

function messageOf({ key, value, headers, partition, timestampMs }: TestMessage): Message {
  return {
    key: key ?? null,
    value,
    headers: Object.fromEntries((headers ?? []).map(([name, bytes]) => [name, bytes ?? undefined])),
    ...(partition === undefined ? {} : { partition }),
    ...(timestampMs === undefined ? {} : { timestamp: String(timestampMs) }),
  };
}
