import { z } from 'zod';

/** The size limit of a record, and of the key and value of any message, in bytes. */
export const MAX_RECORD_BYTES = 900_000;

/** 64 times Kafka's default limit of a compressed batch (1 MiB). */
export const DEFAULT_BATCH_DECODED_BYTES = 64 * 2 ** 20;

/** The schema of the limits of a run. */
export const Limits = z
  .strictObject({
    contentBytes: z
      .int()
      .min(1)
      .max(64 * 2 ** 30)
      .default(16 * 2 ** 30)
      .describe(
        'The size limit of one fetched content, decompressed, in bytes; at most 64 GiB, since a run lists its chunks in one Temporal payload.',
      ),
    recordBytes: z
      .int()
      .min(1)
      .max(MAX_RECORD_BYTES)
      .default(MAX_RECORD_BYTES)
      .describe('The size limit of a record, in bytes; a larger one is not published but quarantined.'),
    batchBytes: z
      .int()
      .min(1)
      .default(112 * 2 ** 20)
      .describe(
        'The target size of a batch, in bytes; a batch ends soon after it is reached. A worker starts no further batch while the rows of earlier ones take four times as much memory.',
      ),
    batchMessages: z
      .int()
      .min(1)
      .default(50_000)
      .describe('The target number of messages of a batch; a batch ends soon after it is reached.'),
    batchDecodedBytes: z
      .int()
      .min(2 ** 20)
      .max(2 ** 30)
      .default(DEFAULT_BATCH_DECODED_BYTES)
      .describe(
        'The size limit of one compressed Kafka batch after decompression, in bytes; at a larger one the run waits for a person. A worker decompresses two at once, which takes four times as much memory.',
      ),
    checkpointInterval: z
      .int()
      .min(1)
      .default(20)
      .describe('The number of versions between two checkpoints of a table’s Delta log.'),
  })
  .describe('Limits of the memory and disk space of a run.');
