import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path/posix';
import { z } from 'zod';
import { PipelineError } from '../../model/errors.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import { HdfsError, type WebHdfs } from '../hdfs/webhdfs.ts';
import { isNotFound, storeTemporary } from '../hdfs/verified-upload.ts';
import { AddFile } from './actions.ts';
import { scratchFolder } from './log-paths.ts';
import { listLengths } from './missing-files.ts';
import { hdfsPathOf } from './table-cache.ts';

const MAX_CONCURRENT_RENAMES = 4;

/** A data file that was uploaded and verified, and that a commit moves to its path and adds to the table. */
export const PendingFile = z.strictObject({
  /** The `add` action, without its time, which is that of the commit. */
  add: AddFile.omit({ modificationTime: true }),
  /** Its path until then, relative to the table's folder. */
  temporary: z.string(),
});
export type PendingFile = z.infer<typeof PendingFile>;

/** A file to upload. */
export interface FileToUpload extends Pick<AddFile, 'partitionValues' | 'stats' | 'tags'> {
  /** Absolute. */
  readonly local: string;
  /** The folder of its partition, relative to the table's, URI-encoded as in the log. */
  readonly folder: string;
  /** Returns its name for the SHA-256 of its content. */
  readonly nameOf: (sha256: string) => string;
}

/**
 * The data files of a table that are uploaded before they are committed. Until their commit they are in the table's
 * `_scratch` folder: a VACUUM by any program deletes files of the table that no entry names. So a commit moves them to
 * their paths right before it writes its entry, with the time of the commit, by which VACUUM tells new files.
 */
export class PendingFiles {
  readonly #table: string;
  readonly #hdfs: WebHdfs;
  readonly #nowMs: () => number;
  readonly #madeFolders = new Set<string>();
  /** The files that were moved, since a commit that meets a conflict asks for them again. */
  readonly #placed = new WeakMap<PendingFile, AddFile>();

  /**
   * @param table The table's folder, absolute.
   * @param nowMs Milliseconds since 1970.
   */
  constructor(table: string, hdfs: WebHdfs, nowMs: () => number) {
    this.#table = table;
    this.#hdfs = hdfs;
    this.#nowMs = nowMs;
  }

  /**
   * Uploads a file and verifies it; the tag `sha256` has its SHA-256. Each call makes another file.
   * @param scratch The folder under `_scratch`.
   * @throws {PipelineError} HDFS_DAMAGED when HDFS has other bytes; STAGING_LOST for an unreadable local file
   * @throws {HdfsError}
   */
  async upload(
    { local, folder, nameOf, partitionValues, stats, tags }: FileToUpload,
    scratch: string,
  ): Promise<PendingFile> {
    const path = `${scratchFolder(this.#table, scratch)}/${decodeURIComponent(folder)}/${randomUUID()}.parquet`;
    const { bytes, sha256 } = await storeTemporary(this.#hdfs, { file: local }, path);
    return {
      add: {
        path: `${folder}/${nameOf(sha256)}`,
        partitionValues,
        size: bytes,
        dataChange: true,
        stats,
        tags: { sha256, ...tags },
      },
      temporary: path.slice(this.#table.length + 1),
    };
  }

  /**
   * Moves files to their paths. Idempotent: a file that an earlier attempt moved stays.
   * @returns The `add` actions.
   * @throws {PipelineError} HDFS_DAMAGED when a file is missing, or its path has other content
   * @throws {HdfsError}
   */
  async place(files: readonly PendingFile[]): Promise<AddFile[]> {
    return mapConcurrent(MAX_CONCURRENT_RENAMES, files, async (file) => {
      const placed = this.#placed.get(file) ?? (await this.#placeOne(file));
      this.#placed.set(file, placed);
      return placed;
    });
  }

  /** Deletes a file that no commit added, whether it was moved or not. Idempotent. */
  async discard({ add, temporary }: PendingFile): Promise<void> {
    await this.#hdfs.delete(`${this.#table}/${temporary}`);
    await this.#hdfs.delete(hdfsPathOf(this.#table, add));
  }

  /** Returns the files that are neither where they were uploaded nor at their paths. Read-only. */
  async findMissing(files: readonly PendingFile[]): Promise<ReadonlySet<PendingFile>> {
    const uploaded = await listLengths(
      this.#hdfs,
      this.#table,
      files.map(({ temporary }) => ({ path: temporary })),
    );
    const others = files.filter(({ temporary }) => !uploaded.has(`${this.#table}/${temporary}`));
    const placed = await listLengths(
      this.#hdfs,
      this.#table,
      others.map(({ add }) => add),
    );
    return new Set(others.filter(({ add }) => !placed.has(hdfsPathOf(this.#table, add))));
  }

  async #placeOne(file: PendingFile): Promise<AddFile> {
    const temporary = `${this.#table}/${file.temporary}`;
    const path = hdfsPathOf(this.#table, file.add);
    const modificationTime = this.#nowMs();
    if (!(await this.#move(temporary, path, modificationTime))) {
      await this.#requireContent(path, file.add);
      await this.#hdfs.setModificationTime(path, modificationTime);
      await this.#hdfs.delete(temporary);
    }
    // In the order of the schema, as an entry that is read and written again has it.
    const { path: name, partitionValues, size, ...more } = file.add;
    return { path: name, partitionValues, size, modificationTime, ...more };
  }

  /** Moves a file; returns false if it is missing or its path exists, which an earlier attempt may have done. */
  async #move(temporary: string, path: string, modificationTime: number): Promise<boolean> {
    const folder = dirname(path);
    if (!this.#madeFolders.has(folder)) await this.#hdfs.makeFolder(folder);
    this.#madeFolders.add(folder);
    try {
      await this.#hdfs.setModificationTime(temporary, modificationTime);
      await this.#hdfs.rename(temporary, path);
      return true;
    } catch (error) {
      if (!(error instanceof HdfsError)) throw error;
      // The folder may be missing instead: the next attempt creates it.
      if (isNotFound(error)) this.#madeFolders.delete(folder);
      else if (!error.ambiguous && error.exception !== 'FileAlreadyExistsException') throw error;
      return false;
    }
  }

  /** @throws {PipelineError} HDFS_DAMAGED */
  async #requireContent(path: string, { size, tags }: PendingFile['add']): Promise<void> {
    const found = await this.#hdfs.digest(path);
    if (found === undefined)
      throw new PipelineError('HDFS_DAMAGED', `${path} is missing, and so is the upload that becomes it`);
    if (found.sha256 === tags?.['sha256']) return;
    throw new PipelineError(
      'HDFS_DAMAGED',
      `${path} has other ${found.bytes} bytes than the ${size} bytes that were uploaded for it`,
    );
  }
}
