import { join } from 'node:path';
import { BATCHES, type FetchedBatch } from '../../adapters/kafka/wire/fetched-batch.ts';
import type { ReadSlice } from '../../adapters/kafka/read-options.ts';
import { readLengthPrefixed, readLengthPrefixedSync } from '../../lib/length-prefixed.ts';
import { BufferedFile } from '../../adapters/staging/buffered-file.ts';
import { MessageReader, type StagedMessage } from '../../adapters/staging/staged-messages.ts';
import type { StagedBatch } from '../../model/references.ts';

/** When a batch is full: soon after it has so much. */
export interface BatchBounds {
  readonly bytes: number;
  readonly messages: number;
}

/** Where one of Kafka's batches would fill a batch, so many of its messages are taken at once. */
const MESSAGES_PER_SLICE = 500;

/**
 * Writes the messages of a batch, a file for each partition, in which they stand in the order of their offsets: in
 * Kafka's own batches, as they came but decompressed.
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
   * Begins the files.
   * @param folder The absolute path of where they go, which exists.
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

  /** Whether no more is to be added. */
  get isFull(): boolean {
    return this.bytes >= this.#bounds.bytes || this.messages >= this.#bounds.messages;
  }

  /**
   * Adds what was read of a partition, in order, as long as it is not full.
   * @returns The first offset that it left.
   */
  async add({ partition, batches, from, to }: ReadSlice): Promise<bigint> {
    const file = this.#files.get(partition);
    if (file === undefined) throw new TypeError(`partition ${partition} is not of the batch`);
    let next = from;
    const added: Buffer[] = [];
    for (const batch of batches) {
      for (const part of this.#partsOf(batch, next, to)) {
        this.messages += part.records;
        this.bytes += part.bytes.length;
        added.push(part.bytes);
        next = part.lastOffset + 1n;
      }
    }
    for (const bytes of joined(added)) await file.append(bytes);
    return next;
  }

  /** What is taken of one of Kafka's batches: all of it, or as much as fits. */
  *#partsOf(batch: FetchedBatch, from: bigint, to: bigint): Generator<FetchedBatch> {
    const isWhole = batch.firstOffset >= from && batch.lastOffset < to;
    const fits = this.bytes + batch.bytes.length < this.#bounds.bytes;
    if (isWhole && fits && this.messages + batch.records < this.#bounds.messages) {
      yield batch;
      return;
    }
    const most = (): number => {
      if (this.isFull) return 0;
      return fits ? this.#bounds.messages - this.messages : MESSAGES_PER_SLICE;
    };
    yield* batch.between(from, to, most);
  }

  /** Ends the files; their bytes are with the operating system afterwards. */
  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    for (const file of this.#files.values()) await file.discard();
  }
}

/** Bytes that mostly stand one after the other in memory, in as few pieces as they make without being copied. */
function joined(parts: readonly Buffer[]): Buffer[] {
  const found: Buffer[] = [];
  for (const part of parts) {
    const { buffer, byteOffset = 0, length = 0 } = found.at(-1) ?? {};
    if (buffer === part.buffer && byteOffset + length === part.byteOffset)
      found[found.length - 1] = Buffer.from(part.buffer, byteOffset, length + part.length);
    else found.push(part);
  }
  return found;
}

/**
 * The messages of a staged batch, those of one of Kafka's batches after the other, in the order of their partitions and
 * offsets. They are gone once the next are asked for.
 * @param folder The absolute path of the batch's folder.
 * @throws {PipelineError} STAGING_LOST, KAFKA_BATCH_DAMAGED
 */
export async function* messagesOf(
  folder: string,
  { batch }: Pick<StagedBatch, 'batch'>,
): AsyncGenerator<Iterable<StagedMessage>> {
  for (const { partition } of batch.ranges) {
    const reader = new MessageReader(batch.topic, partition);
    for await (const pieces of readLengthPrefixed(fileOf(folder, partition), BATCHES))
      for (const piece of pieces) yield reader.messagesOf(piece);
  }
}

/** The same once more, one at a time, for whoever cannot wait. */
export function* rereadMessages(
  folder: string,
  { batch }: Pick<StagedBatch, 'batch'>,
): Generator<StagedMessage, void, undefined> {
  for (const { partition } of batch.ranges) {
    const reader = new MessageReader(batch.topic, partition);
    for (const pieces of readLengthPrefixedSync(fileOf(folder, partition), BATCHES))
      for (const piece of pieces) yield* reader.messagesOf(piece);
  }
}

function fileOf(folder: string, partition: number): string {
  return join(folder, `${partition}.batches`);
}
