import { join } from 'node:path';
import { FrameWriter } from '../../adapters/staging/frames.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import type { Staging } from '../../adapters/staging/staging.ts';
import { PipelineError } from '../../model/errors.ts';
import { formatNumber } from '../../model/figures.ts';
import { chunkIds, type ContentIdentity } from '../../model/identity.ts';
import { MAX_CHUNKS, type Chunk } from '../../model/references.ts';

/**
 * A chunk ends with the record that brings it over this size. It is no setting: where chunks end is part of
 * their identity, by which a record that was published is known.
 */
const CHUNK_BYTES = 16 << 20;

/** Where a {@link ChunkWriter} writes to. */
export interface ChunkTarget {
  readonly staging: Pick<Staging, 'reserve'>;
  readonly own: RunStaging;
  /** Relative to the run's folder. */
  readonly folder: string;
  /** Names the source, for errors. */
  readonly subject: string;
  /** How many chunks the content may have; {@link MAX_CHUNKS} unless given. */
  readonly maxChunks?: number;
}

/** Writes records to chunk files, one after the other. */
export class ChunkWriter {
  records = 0;
  readonly #target: ChunkTarget;
  readonly #written: Omit<Chunk, 'id'>[] = [];
  #current: FrameWriter | undefined;
  /** Bytes of the largest record of the chunk that is being written. */
  #largestBytes = 0;

  constructor(target: ChunkTarget) {
    this.#target = target;
  }

  /**
   * Adds records, in order.
   * @throws {PipelineError} SOURCE_TOO_LARGE where they need more chunks than a content may have; STAGING_FULL
   */
  async add(records: readonly Buffer[]): Promise<void> {
    for (const record of records) {
      if (this.#current === undefined) {
        this.#requireRoom();
        await this.#target.staging.reserve(CHUNK_BYTES);
        this.#current = await FrameWriter.create(await this.#target.own.locate(this.#path()));
      }
      const written = this.#current.write(record);
      if (written !== undefined) await written;
      this.#largestBytes = Math.max(this.#largestBytes, record.length);
      this.records += 1;
      if (this.#current.bytes >= CHUNK_BYTES) await this.close();
    }
  }

  /** Ends the chunk that is being written, if any. */
  async close(): Promise<void> {
    const ended = this.#current;
    if (ended === undefined) return;
    await ended.close();
    this.#current = undefined;
    this.#written.push({
      path: this.#path(),
      records: ended.frames,
      bytes: ended.bytes,
      largestBytes: this.#largestBytes,
    });
    this.#largestBytes = 0;
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    await this.#current?.discard();
    this.#current = undefined;
    for (const { path } of this.#written.splice(0)) await this.#target.own.remove(path);
  }

  /** How many chunks were written. */
  get count(): number {
    return this.#written.length;
  }

  /** Returns the chunks written, named after their content, each with a receipt for who publishes it. */
  async chunks(source: string, topic: string, content: ContentIdentity): Promise<Chunk[]> {
    const ids = chunkIds(source, content, this.count);
    const chunks = this.#written.map((chunk, at) => ({ id: ids[at] ?? '', ...chunk }));
    for (const chunk of chunks) await this.#target.own.writeReceipt(chunk.path, { source, topic, chunk });
    return chunks;
  }

  #requireRoom(): void {
    const { subject, maxChunks = MAX_CHUNKS } = this.#target;
    if (this.#written.length < maxChunks) return;
    throw new PipelineError(
      'SOURCE_TOO_LARGE',
      `${subject}: its content has more than ${formatNumber(maxChunks)} chunks of ${CHUNK_BYTES >> 20} MiB, with four bytes more for each record`,
    );
  }

  #path(): string {
    return join(this.#target.folder, `${String(this.#written.length).padStart(6, '0')}.chunk`);
  }
}
