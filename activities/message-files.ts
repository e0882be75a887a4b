import { join } from 'node:path';
import { FrameWriter, readFrames, readFramesSync } from '../adapters/frames.ts';
import type { KafkaMessage } from '../adapters/kafka-fetched-batch.ts';
import { decodeMessage, MessageEncoder, type StagedMessage } from '../adapters/message-frames.ts';
import type { Staging } from '../adapters/staging.ts';
import type { StagedBatch } from '../model/references.ts';

/** What the files of a batch buffer together, and each at least. */
const BUFFERED_BYTES = 4 << 20;
const LEAST_BUFFER_BYTES = 1 << 16;

/** Writes the messages of a batch, a file for each partition, so that they stand in the order of their offsets. */
export class MessageWriter {
  readonly #files: ReadonlyMap<number, FrameWriter>;
  readonly #encoder = new MessageEncoder();

  private constructor(files: ReadonlyMap<number, FrameWriter>) {
    this.#files = files;
  }

  /**
   * Begins the files, in place of those of an earlier try.
   * @param folder Where they go, relative to the staging folder.
   */
  static async create(
    staging: Staging,
    folder: string,
    partitions: readonly number[],
  ): Promise<MessageWriter> {
    await staging.renewFolder(folder);
    const bufferBytes = Math.max(LEAST_BUFFER_BYTES, Math.floor(BUFFERED_BYTES / partitions.length));
    const files = new Map<number, FrameWriter>();
    for (const partition of partitions) {
      const path = staging.resolve(fileOf(folder, partition));
      files.set(partition, await FrameWriter.create(path, bufferBytes));
    }
    return new MessageWriter(files);
  }

  get messages(): number {
    return this.#sum(({ frames }) => frames);
  }

  get bytes(): number {
    return this.#sum(({ bytes }) => bytes);
  }

  /** Adds messages of a partition, in order. */
  async add(partition: number, messages: readonly KafkaMessage[]): Promise<void> {
    const file = this.#files.get(partition);
    if (file === undefined) throw new TypeError(`partition ${partition} is not of the batch`);
    for (const message of messages) {
      const written = file.write(...this.#encoder.encode(partition, message));
      if (written !== undefined) await written;
    }
  }

  /** Ends the files. */
  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    for (const file of this.#files.values()) await file.discard();
  }

  #sum(of: (file: FrameWriter) => number): number {
    return [...this.#files.values()].reduce((sum, file) => sum + of(file), 0);
  }
}

/**
 * The messages of a staged batch, a few at a time, in the order of their partitions and offsets.
 * @throws {PipelineError} STAGING_LOST
 */
export async function* messagesOf(
  staging: Pick<Staging, 'resolve'>,
  { path, batch }: StagedBatch,
): AsyncGenerator<StagedMessage[]> {
  for (const { partition } of batch.ranges) {
    for await (const frames of readFrames(staging.resolve(fileOf(path, partition))))
      yield frames.map(decodeMessage);
  }
}

/** The same once more, one at a time, for whoever cannot wait. */
export function* messagesAgain(
  staging: Pick<Staging, 'resolve'>,
  { path, batch }: StagedBatch,
): Generator<StagedMessage, void, undefined> {
  for (const { partition } of batch.ranges) {
    for (const frames of readFramesSync(staging.resolve(fileOf(path, partition))))
      yield* frames.map(decodeMessage);
  }
}

function fileOf(folder: string, partition: number): string {
  return join(folder, `${partition}.messages`);
}
