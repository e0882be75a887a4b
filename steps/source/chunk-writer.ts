import { join } from 'node:path';
import { FrameWriter } from '../../adapters/staging/frames.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import type { Staging } from '../../adapters/staging/staging.ts';
import { PipelineError } from '../../model/errors.ts';
import { formatNumber } from '../../model/figures.ts';
import { chunkIds, type ContentIdentity } from '../../model/identity.ts';
import { MAX_CHUNKS, type Chunk } from '../../model/references.ts';

/**
 * The size from which a chunk ends, in bytes. Not a setting, since chunk boundaries are part of the chunks' identity, by
 * which a retry finds what was published.
 */
const CHUNK_BYTES = 16 << 20;

/** The destination of a {@link ChunkWriter}. */
export interface ChunkTarget {
  readonly staging: Pick<Staging, 'reserve'>;
  readonly own: RunStaging;
  /** Relative to the run's staging folder. */
  readonly folder: string;
  /** Names the source, for errors. */
  readonly subject: string;
  /** The largest number of chunks; default {@link MAX_CHUNKS}. */
  readonly maxChunks?: number;
}

/** The size of a chunk that was written, or of the beginning of one. */
export type WrittenChunk = Required<Pick<Chunk, 'records' | 'bytes' | 'largestBytes'>>;

/** Returns the name of a chunk's file in its folder. */
export function chunkFile(index: number): string {
  return `${String(index).padStart(6, '0')}.chunk`;
}

/** Writes records to chunk files. */
export class ChunkWriter {
  records = 0;
  readonly #target: ChunkTarget;
  readonly #written: (WrittenChunk & Pick<Chunk, 'path'>)[] = [];
  /** The number of chunks that ended in earlier pages. */
  #reported = 0;
  #current: FrameWriter | undefined;
  /** Bytes of the largest record in the current chunk. */
  #largestBytes = 0;

  constructor(target: ChunkTarget) {
    this.#target = target;
  }

  /**
   * Adds records, in order.
   * @throws {PipelineError} SOURCE_TOO_LARGE if the content needs more than `maxChunks` chunks; STAGING_FULL
   */
  async add(records: readonly Buffer[]): Promise<void> {
    for (const record of records) {
      if (this.#current === undefined) {
        this.#requireFewChunks();
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

  /** Closes the current chunk, if any. */
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

  /** Continues chunk files of an earlier attempt: those that ended, and the one that did not. */
  async resume(ended: readonly WrittenChunk[], current: WrittenChunk | null): Promise<void> {
    for (const chunk of ended) {
      this.#written.push({ path: this.#path(), ...chunk });
      this.records += chunk.records;
    }
    this.#reported = ended.length;
    if (current === null) return;
    const { records, bytes, largestBytes } = current;
    this.#current = await FrameWriter.continue(await this.#target.own.locate(this.#path()), records, bytes);
    this.#largestBytes = largestBytes;
    this.records += records;
  }

  /**
   * Writes all records to the operating system. Ends the current chunk if it is large enough, so that chunks end with
   * pages where they can.
   * @returns The chunks that ended since the previous page, and the one that goes on.
   */
  async endPage(): Promise<{
    readonly ended: readonly WrittenChunk[];
    readonly current: WrittenChunk | null;
  }> {
    if ((this.#current?.bytes ?? 0) >= CHUNK_BYTES / 2) await this.close();
    await this.#current?.flush();
    const ended = this.#written.slice(this.#reported).map(sizesOf);
    this.#reported = this.#written.length;
    const open = this.#current;
    const largestBytes = this.#largestBytes;
    return {
      ended,
      current: open === undefined ? null : { records: open.frames, bytes: open.bytes, largestBytes },
    };
  }

  /** Closes the current chunk's file, and leaves all files to another attempt. */
  async abandon(): Promise<void> {
    await this.#current?.close();
    this.#current = undefined;
  }

  /** Removes all chunk files. */
  async discard(): Promise<void> {
    await this.#current?.discard();
    this.#current = undefined;
    for (const { path } of this.#written.splice(0)) await this.#target.own.remove(path);
  }

  /** The number of closed chunks. */
  get count(): number {
    return this.#written.length;
  }

  /** Returns the chunks with ids derived from the content, and writes the receipts that `publish` requires. */
  async chunks(source: string, topic: string, content: ContentIdentity): Promise<Chunk[]> {
    const ids = chunkIds(source, content, this.count);
    const chunks = this.#written.map((chunk, index) => ({ id: ids[index] ?? '', ...chunk }));
    for (const chunk of chunks) await this.#target.own.writeReceipt(chunk.path, { source, topic, chunk });
    return chunks;
  }

  #requireFewChunks(): void {
    const { subject, maxChunks = MAX_CHUNKS } = this.#target;
    if (this.#written.length < maxChunks) return;
    throw new PipelineError(
      'SOURCE_TOO_LARGE',
      `${subject}: its content has more than ${formatNumber(maxChunks)} chunks of ${CHUNK_BYTES >> 20} MiB, with four bytes more for each record`,
    );
  }

  #path(): string {
    return join(this.#target.folder, chunkFile(this.#written.length));
  }
}

function sizesOf({ records, bytes, largestBytes }: WrittenChunk): WrittenChunk {
  return { records, bytes, largestBytes };
}
