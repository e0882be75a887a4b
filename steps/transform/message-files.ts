import { join } from 'node:path';
import { BATCHES, type FetchedBatch } from '../../adapters/kafka/wire/fetched-batch.ts';
import type { ReadSlice } from '../../adapters/kafka/read-options.ts';
import { readLengthPrefixed, readLengthPrefixedSync } from '../../lib/length-prefixed.ts';
import { BufferedFile } from '../../adapters/staging/buffered-file.ts';
import { MessageReader, type StagedMessage } from '../../adapters/staging/staged-messages.ts';
import type { StagedBatch } from '../../model/references.ts';

/** The size from which a batch is full; it can be slightly exceeded. */
export interface BatchBounds {
  readonly bytes: number;
  readonly messages: number;
}

/** Messages per slice of a Kafka record batch that does not fit as a whole. */
const MESSAGES_PER_SLICE = 500;

/**
 * Writes the messages of a batch to one file per partition, in offset order, as Kafka's own record batches,
 * decompressed.
 */
export class MessageWriter {
  messages = 0;
  bytes = 0;
  readonly #files: ReadonlyMap<number, BufferedFile>;
  readonly #bounds: BatchBounds;

  private constructor(files: ReadonlyMap<number, BufferedFile>, bounds: BatchBounds) {
    this.#files = files;
    this.#bounds = bounds;
  }

  /**
   * Creates the files.
   * @param folder The absolute path of an existing folder.
   */
  static async create(
    folder: string,
    partitions: readonly number[],
    bounds: BatchBounds = { bytes: Infinity, messages: Infinity },
  ): Promise<MessageWriter> {
    const files = new Map<number, BufferedFile>();
    for (const partition of partitions)
      files.set(partition, await BufferedFile.create(fileOf(folder, partition)));
    return new MessageWriter(files, bounds);
  }

  /** Whether the batch reached its bounds. */
  get isFull(): boolean {
    return this.bytes >= this.#bounds.bytes || this.messages >= this.#bounds.messages;
  }

  /**
   * Adds record batches of a partition, in order, until the batch is full.
   * @returns The first offset that was not added.
   */
  async add({ partition, batches, from, to }: ReadSlice): Promise<bigint> {
    const file = this.#files.get(partition);
    if (file === undefined) throw new TypeError(`partition ${partition} is not of the batch`);
    let next = from;
    const added: Buffer[] = [];
    for (const batch of batches) {
      for (const slice of this.#slicesOf(batch, next, to)) {
        this.messages += slice.records;
        this.bytes += slice.bytes.length;
        added.push(slice.bytes);
        next = slice.lastOffset + 1n;
      }
    }
    for (const bytes of mergeAdjacent(added)) await file.append(bytes);
    return next;
  }

  /** Yields a Kafka record batch whole, or slices of it as long as they fit. */
  *#slicesOf(batch: FetchedBatch, from: bigint, to: bigint): Generator<FetchedBatch> {
    const isWhole = batch.firstOffset >= from && batch.lastOffset < to;
    const fits = this.bytes + batch.bytes.length < this.#bounds.bytes;
    if (isWhole && fits && this.messages + batch.records < this.#bounds.messages) {
      yield batch;
      return;
    }
    const maxMessages = (): number => {
      if (this.isFull) return 0;
      return fits ? this.#bounds.messages - this.messages : MESSAGES_PER_SLICE;
    };
    yield* batch.between(from, to, maxMessages);
  }

  /** Flushes the files to the operating system and closes them. */
  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
  }

  /** Removes the files. */
  async discard(): Promise<void> {
    for (const file of this.#files.values()) await file.discard();
  }
}

/** Merges buffers that are adjacent in memory, without copying, for fewer writes. */
function mergeAdjacent(parts: readonly Buffer[]): Buffer[] {
  const merged: Buffer[] = [];
  for (const part of parts) {
    const { buffer, byteOffset = 0, length = 0 } = merged.at(-1) ?? {};
    if (buffer === part.buffer && byteOffset + length === part.byteOffset)
      merged[merged.length - 1] = Buffer.from(part.buffer, byteOffset, length + part.length);
    else merged.push(part);
  }
  return merged;
}

/**
 * Reads the messages of a staged batch, grouped by Kafka record batch, in order of partitions and offsets. A group is
 * valid only until the next one is read.
 * @param folder The absolute path of the batch's folder.
 * @throws {PipelineError} STAGING_LOST, KAFKA_BATCH_DAMAGED
 */
export async function* readStagedMessages(
  folder: string,
  { batch }: Pick<StagedBatch, 'batch'>,
): AsyncGenerator<Iterable<StagedMessage>> {
  for (const { partition } of batch.ranges) {
    const reader = new MessageReader(batch.topic, partition);
    for await (const frames of readLengthPrefixed(fileOf(folder, partition), BATCHES))
      for (const frame of frames) yield reader.messagesOf(frame);
  }
}

/** Reads the messages of a staged batch synchronously, one at a time. */
export function* rereadMessages(
  folder: string,
  { batch }: Pick<StagedBatch, 'batch'>,
): Generator<StagedMessage, void, undefined> {
  for (const { partition } of batch.ranges) {
    const reader = new MessageReader(batch.topic, partition);
    for (const frames of readLengthPrefixedSync(fileOf(folder, partition), BATCHES))
      for (const frame of frames) yield* reader.messagesOf(frame);
  }
}

function fileOf(folder: string, partition: number): string {
  return join(folder, `${partition}.batches`);
}
