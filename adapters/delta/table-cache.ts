import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PipelineError, messageOf } from '../../model/errors.ts';
import type { AddFile } from './actions.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import { makePrivateFolder, PRIVATE_FOLDER_MODE } from '../../lib/private-files.ts';
import { HdfsError, type WebHdfs } from '../hdfs/webhdfs.ts';

/** A live file on this machine. */
export interface CachedFile {
  /** Absolute. Its folder is `partition=KEY`, with the key of its partition. */
  readonly path: string;
  /** Files of a table have the same key if and only if they have the same partition values. */
  readonly partition: string;
  /** As the log has them: text or null, by column. */
  readonly partitionValues: AddFile['partitionValues'];
}

/** A table's live files on this machine. */
export interface CachedTable {
  /** In the order of the log. */
  readonly files: readonly CachedFile[];
  /** How many of them had to be fetched, and their bytes. */
  readonly fetched: number;
  readonly fetchedBytes: number;
}

/** So many files are fetched at once. */
const FETCHES_AT_ONCE = 4;

/** A file that is live no more may still be read by another process; so it stays this long after its last use. */
const UNUSED_MS = 60 * 60 * 1000;

/**
 * Live files of tables, kept on this machine, so that each is fetched once.
 *
 * A file is written under a name of its own, checked against the length and the SHA-256 that its log entry
 * names, and renamed: under its name there is never anything but the whole file. So any number of processes
 * can use the folder at once. Data files never change; one that is here is known by its name and its length.
 * Local names are hashes: another program may have written the log, so its names never become local paths.
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
   * Brings a table's live files here, and lets go of those that are live no more.
   * @param tablePath The table's folder in HDFS, absolute.
   * @param options.recheck Also compares the checksums of files that are here, which may have rotted since.
   * @throws {PipelineError} HDFS_DAMAGED when HDFS has other bytes than the log names; CACHE_UNUSABLE; an
   * error of HDFS.
   */
  async sync(
    tablePath: string,
    live: Iterable<AddFile>,
    { recheck = false }: { readonly recheck?: boolean } = {},
  ): Promise<CachedTable> {
    const folder = join(this.#folder, basename(tablePath));
    await usable(this.#folder, () => makePrivateFolder(this.#folder));
    const wanted = [...live].map((file) => ({ file, local: join(folder, localPathOf(tablePath, file)) }));
    const fetched = await mapConcurrent(FETCHES_AT_ONCE, wanted, async ({ file, local }) => {
      if (await this.#use(local, file, recheck)) return 0;
      await this.#fetch(hdfsPathOf(tablePath, file), file, local);
      return file.size;
    });
    await this.#forget(folder, new Set(wanted.map(({ local }) => local)));
    return {
      files: wanted.map(({ file, local }) => ({
        path: local,
        partition: partitionKeyOf(file),
        partitionValues: file.partitionValues,
      })),
      fetched: fetched.filter((bytes) => bytes > 0).length,
      fetchedBytes: fetched.reduce((sum, bytes) => sum + bytes, 0),
    };
  }

  /** Whether a file is here; notes that it is in use. */
  async #use(local: string, file: AddFile, recheck: boolean): Promise<boolean> {
    const found = await stat(local).catch(() => undefined);
    if (found?.size !== file.size || (recheck && !(await isNamedBy(file, local)))) return false;
    const now = new Date();
    // Another process may just have removed it, having found it unused.
    return utimes(local, now, now).then(
      () => true,
      () => false,
    );
  }

  async #fetch(path: string, file: AddFile, local: string): Promise<void> {
    const temporary = `${local}.${randomUUID()}.part`;
    await usable(dirname(local), () => mkdir(dirname(local), { recursive: true, mode: PRIVATE_FOLDER_MODE }));
    await this.#hdfs.download(path, temporary, file.size);
    if (!(await isNamedBy(file, temporary))) {
      await rm(temporary, { force: true });
      throw new HdfsError('HDFS_DAMAGED', `${path} has other bytes than those that its table's log names`);
    }
    await usable(local, () => rename(temporary, local));
  }

  /** Removes what no process has used for a while: files live no more, and parts that killed ones left. */
  async #forget(folder: string, live: ReadonlySet<string>): Promise<void> {
    const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of found) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || live.has(path)) continue;
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
      if (mtimeMs < Date.now() - UNUSED_MS) await rm(path, { force: true });
    }
  }
}

/**
 * Where the tables of a warehouse are kept: each warehouse has a folder of its own.
 * @throws {PipelineError} CACHE_UNUSABLE for a folder whose path DuckDB would take for partition values.
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

/** The path of a live file in HDFS; the log has it as a relative URI, which was checked when it was read. */
export function hdfsPathOf(tablePath: string, { path }: AddFile): string {
  return `${tablePath}/${decodeURIComponent(path)}`;
}

/** Whether a local file has the bytes that the log names; of what other programs wrote, it knows no checksum. */
async function isNamedBy({ tags }: AddFile, local: string): Promise<boolean> {
  const named = tags?.['sha256'];
  if (typeof named !== 'string') return true;
  const hash = createHash('sha256');
  await pipeline(createReadStream(local, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex') === named;
}

function localPathOf(tablePath: string, file: AddFile): string {
  return join(`partition=${partitionKeyOf(file)}`, `${hashOf([tablePath, file.path])}.parquet`);
}

function partitionKeyOf({ partitionValues }: AddFile): string {
  return hashOf(Object.entries(partitionValues).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Of any JSON value: 128 bits, in lower-case hexadecimal digits. */
function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}

async function usable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new PipelineError('CACHE_UNUSABLE', `${path}: ${messageOf(cause)}`, { cause });
  }
}
