import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PipelineError, messageOf } from '../../model/errors.ts';
import type { AddFile } from './actions.ts';
import { partitionKeyOf } from './partition-key.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import { makePrivateFolder, PRIVATE_FOLDER_MODE } from '../../lib/private-files.ts';
import { HdfsError, type WebHdfs } from '../hdfs/webhdfs.ts';

/** A local copy of a live file. */
export interface CachedFile {
  /** Absolute. The file is in a folder `partition=KEY`. */
  readonly path: string;
  /** The partition's key: equal for files of a table with equal partition values. */
  readonly partition: string;
  /** As in the log: a string or null per column. */
  readonly partitionValues: AddFile['partitionValues'];
}

/** Local copies of a table's live files. */
export interface CachedTable {
  /** In the order of the log. */
  readonly files: readonly CachedFile[];
  /** The number of files that were downloaded by this call. */
  readonly fetched: number;
  readonly fetchedBytes: number;
}

const MAX_CONCURRENT_DOWNLOADS = 4;

/** Time since its last use after which a removed file is deleted: another process may still be reading it. */
const UNUSED_FILE_TTL_MS = 60 * 60 * 1000;

/**
 * A cache of live data files on the local disk, shared by any number of processes.
 *
 * A file is downloaded under a temporary name, verified against the length and the SHA-256 in its log entry, and
 * renamed, so a cached file is always complete. Data files are immutable: a cached one is recognised by name and length.
 * Local names are hashes, because another program may have written the names in the log.
 */
export class TableCache {
  readonly #folder: string;
  readonly #hdfs: WebHdfs;

  /** @param folder Absolute; see {@link cacheFolderOf}. */
  constructor(folder: string, hdfs: WebHdfs) {
    this.#folder = folder;
    this.#hdfs = hdfs;
  }

  /**
   * Downloads the live files that are missing, and deletes removed ones that were not used for an hour. Idempotent.
   * @param tablePath The table's folder in HDFS, absolute.
   * @param options.keep Files that are not downloaded, but not deleted either.
   * @param options.recheck Also verifies the SHA-256 of files that are already cached.
   * @throws {PipelineError} HDFS_DAMAGED when a file does not match its log entry; CACHE_UNUSABLE for an unusable
   * folder; STAGING_FULL when the disk is full
   * @throws {HdfsError}
   */
  async sync(
    tablePath: string,
    live: Iterable<AddFile>,
    { recheck = false, keep = [] }: { readonly recheck?: boolean; readonly keep?: Iterable<AddFile> } = {},
  ): Promise<CachedTable> {
    const folder = join(this.#folder, basename(tablePath));
    await mapCacheErrors(this.#folder, () => makePrivateFolder(this.#folder));
    const wanted = [...live].map((file) => ({ file, local: join(folder, localPathOf(tablePath, file)) }));
    const fetched = await mapConcurrent(MAX_CONCURRENT_DOWNLOADS, wanted, async ({ file, local }) => {
      if (await this.#touch(local, file, recheck)) return 0;
      await this.#download(hdfsPathOf(tablePath, file), file, local);
      return file.size;
    });
    const kept = [...keep].map((file) => join(folder, localPathOf(tablePath, file)));
    await this.#deleteUnused(folder, new Set([...wanted.map(({ local }) => local), ...kept]));
    return {
      files: wanted.map(({ file, local }) => ({
        path: local,
        partition: partitionFolderOf(file),
        partitionValues: file.partitionValues,
      })),
      fetched: fetched.filter((bytes) => bytes > 0).length,
      fetchedBytes: fetched.reduce((sum, bytes) => sum + bytes, 0),
    };
  }

  /** Updates the time of last use of a cached file; returns whether the file is cached. */
  async #touch(local: string, file: AddFile, recheck: boolean): Promise<boolean> {
    const found = await stat(local).catch(() => undefined);
    if (found?.size !== file.size || (recheck && !(await hasLoggedHash(file, local)))) return false;
    const now = new Date();
    // Another process may have just deleted it as unused.
    return utimes(local, now, now).then(
      () => true,
      () => false,
    );
  }

  async #download(path: string, file: AddFile, local: string): Promise<void> {
    const temporary = `${local}.${randomUUID()}.part`;
    await mapCacheErrors(dirname(local), () =>
      mkdir(dirname(local), { recursive: true, mode: PRIVATE_FOLDER_MODE }),
    );
    await downloadDataFile(this.#hdfs, path, file, temporary);
    await mapCacheErrors(local, () => rename(temporary, local));
  }

  /** Deletes removed files, and partial downloads of killed processes, that were not used lately. */
  async #deleteUnused(folder: string, live: ReadonlySet<string>): Promise<void> {
    const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of found) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || live.has(path)) continue;
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
      if (mtimeMs < Date.now() - UNUSED_FILE_TTL_MS) await rm(path, { force: true });
    }
  }
}

/**
 * Returns the cache folder of a warehouse, below XDG_CACHE_HOME.
 * @throws {PipelineError} CACHE_UNUSABLE for a path with "=", which DuckDB would parse as a partition value.
 */
export function cacheFolderOf(nameNodes: readonly string[], warehouse: string): string {
  const base = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const identity = createHash('sha256')
    .update(JSON.stringify([[...nameNodes].sort(), warehouse]))
    .digest('hex')
    .slice(0, 16);
  const folder = join(base, 'assessment-pipeline', 'tables', identity);
  if (folder.includes('='))
    throw new PipelineError('CACHE_UNUSABLE', `${folder}: no folder of the cache may have "=" in its name`);
  return folder;
}

/** Returns a data file's absolute path in HDFS. The path in the log was validated when it was parsed. */
export function hdfsPathOf(tablePath: string, { path }: Pick<AddFile, 'path'>): string {
  return `${tablePath}/${decodeURIComponent(path)}`;
}

/**
 * Downloads a data file, and verifies its SHA-256 if the log has one.
 * @param path Absolute, in HDFS.
 * @throws {HdfsError} HDFS_DAMAGED when it differs from its entry in the log; the local file is then removed.
 */
export async function downloadDataFile(
  hdfs: WebHdfs,
  path: string,
  entry: AddFile,
  local: string,
): Promise<void> {
  await hdfs.download(path, local, entry.size);
  if (await hasLoggedHash(entry, local)) return;
  await rm(local, { force: true });
  throw new HdfsError('HDFS_DAMAGED', `${path} does not match the SHA-256 in its table's log`);
}

/** Returns whether a local copy of a file has the SHA-256 of its log entry; true for entries of other programs, which have none. */
export async function hasLoggedHash({ tags }: AddFile, local: string): Promise<boolean> {
  const expected = tags?.['sha256'];
  if (typeof expected !== 'string') return true;
  const hash = createHash('sha256');
  await pipeline(createReadStream(local, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex') === expected;
}

function localPathOf(tablePath: string, file: AddFile): string {
  return join(
    `partition=${partitionFolderOf(file)}`,
    `${hashOfText(JSON.stringify([tablePath, file.path]))}.parquet`,
  );
}

function partitionFolderOf(file: AddFile): string {
  return hashOfText(partitionKeyOf(file));
}

/** Returns the first 128 bits of a text's SHA-256, in lower-case hexadecimal digits. */
function hashOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

async function mapCacheErrors<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new PipelineError('CACHE_UNUSABLE', `${path}: ${messageOf(cause)}`, { cause });
  }
}
