import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import {
  BooleanAnswer,
  ChecksumAnswer,
  ListAnswer,
  parseAnswer,
  StatusAnswer,
  statusOf,
  type FileChecksum,
  type FileStatus,
} from './answers.ts';
import { identityOf, permissionOf, tlsOf, type HdfsOptions } from './access.ts';
import type { Logger } from '../log.ts';
import { fileSink, withBody, withLocalFile, type LocalSource } from './bodies.ts';
import { Cluster, DEFAULT_RETRY, type Answered, type WebHdfsCall, type Retry } from './cluster.ts';
import { HdfsError, unexpectedAnswer } from './errors.ts';
import { childOf, encodePath } from './paths.ts';
import { DEFAULT_TIMEOUTS, type Timeouts } from './timeouts.ts';

export { HdfsError } from './errors.ts';
export type { LocalSource } from './bodies.ts';
export type { Retry } from './cluster.ts';
export type { FileChecksum, FileStatus } from './answers.ts';
export type { Timeouts } from './timeouts.ts';

/** The options of a {@link WebHdfs} client. */
export interface WebHdfsOptions extends HdfsOptions {
  readonly logger?: Logger | undefined;
  /** Milliseconds; overrides {@link DEFAULT_TIMEOUTS}. */
  readonly timeouts?: Partial<Timeouts>;
  /** Overrides {@link DEFAULT_RETRY}. */
  readonly retry?: Partial<Retry>;
  /** Aborts all calls of the client; each then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The largest file that {@link WebHdfs.read} reads into memory. */
const MAX_READ_BYTES = 256 * 2 ** 20;

/**
 * A client of HDFS over WebHDFS.
 *
 * Every method throws {@link HdfsError}: HDFS_UNREACHABLE for transient errors, HDFS_REFUSED for permanent ones,
 * HDFS_DAMAGED for wrong content. Transient errors are retried: always for reads, `makeFolder` and `delete`, which are
 * idempotent; for `create`, `rename` and `replace`, which are not, only if the server certainly changed nothing.
 */
export class WebHdfs {
  readonly #cluster: Cluster;
  readonly #signal: AbortSignal | undefined;
  readonly #filePermission: Readonly<Record<string, string>>;
  readonly #folderPermission: Readonly<Record<string, string>>;

  /** @throws {PipelineError} SETTINGS_INVALID for a missing file or environment variable. */
  constructor(options: WebHdfsOptions) {
    this.#signal = options.signal;
    this.#filePermission = permissionOf(options.fileMode);
    this.#folderPermission = permissionOf(options.directoryMode);
    this.#cluster = new Cluster({
      nameNodes: options.nameNodes,
      identity: identityOf(options),
      secrets: options,
      tls: tlsOf(options),
      timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
      retry: { ...DEFAULT_RETRY, ...options.retry },
      logger: options.logger,
    });
  }

  /**
   * Creates a file, and its missing parents with their parent's permissions. Never replaces a file. Not idempotent:
   * after a failure a partial file may be visible, so write to a unique temporary path, verify length and checksum,
   * and rename; retry with a new path.
   * @param body The content, or a local file, which is streamed and must not change during the call.
   * @throws {HdfsError} FileAlreadyExistsException: the existing file is unchanged. `ambiguous` when the DataNode's
   *   answer was lost or is a transient error.
   * @throws {PipelineError} STAGING_LOST for a local file that cannot be read.
   */
  async create(
    path: string,
    body: LocalSource,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const signal = anySignal(this.#signal, options.signal);
    await withBody(body, (sent) =>
      this.#call({
        operation: 'CREATE',
        path,
        query: { overwrite: 'false', ...this.#filePermission },
        body: sent,
        signal,
      }),
    );
  }

  /**
   * Reads a whole file of at most 256 MiB. Idempotent; a truncated answer is an error.
   * @throws {HdfsError} FileNotFoundException, also for a folder; HDFS_REFUSED for a larger file.
   */
  async read(path: string): Promise<Buffer> {
    const { body } = await this.#call({ operation: 'OPEN', path, bodyLimit: MAX_READ_BYTES });
    return body;
  }

  /** Reads a file like {@link readMessages}; returns undefined if it does not exist. */
  async readIfExists(path: string): Promise<Buffer | undefined> {
    try {
      return await this.read(path);
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown;
      // A DataNode also answers so for a folder, and for a file that was replaced since the NameNode's redirect.
      if (!thrown.redirected) return undefined;
      const status = await this.status(path);
      if (status === undefined) return undefined;
      if (status.type === 'FILE') return this.read(path);
      throw thrown;
    }
  }

  /**
   * Streams a file to a local file, which is overwritten, and deleted on failure. Idempotent.
   * @param expectedLength In bytes.
   * @throws {HdfsError} HDFS_DAMAGED for another length.
   * @throws {PipelineError} STAGING_FULL or STAGING_LOST for an error of the local disk.
   */
  async download(path: string, toFile: string, expectedLength: number): Promise<void> {
    try {
      await withLocalFile(toFile, 'w', async (file) => {
        const { bytes, step } = await this.#call({ operation: 'OPEN', path, receive: () => fileSink(file) });
        if (bytes === expectedLength) return;
        throw new HdfsError(
          'HDFS_DAMAGED',
          `OPEN ${path} at ${step.server}: expected ${expectedLength} bytes, got ${bytes}`,
        );
      });
    } catch (thrown) {
      await rm(toFile, { force: true });
      throw thrown;
    }
  }

  /** Reads a file of any size, and returns its length in bytes and its SHA-256; undefined if it does not exist. */
  async digest(path: string): Promise<{ readonly bytes: number; readonly sha256: string } | undefined> {
    let hash = createHash('sha256');
    const receive = () => {
      hash = createHash('sha256');
      return (chunk: Buffer): Promise<void> => Promise.resolve(void hash.update(chunk));
    };
    const answer = await undefinedIfMissing(this.#call({ operation: 'OPEN', path, receive }));
    return answer && { bytes: answer.bytes, sha256: hash.digest('hex') };
  }

  /** Returns the status of a file or folder; undefined if it does not exist. Idempotent. */
  async status(path: string): Promise<FileStatus | undefined> {
    const answer = await undefinedIfMissing(this.#call({ operation: 'GETFILESTATUS', path }));
    return answer && statusOf(path, parseAnswer(answer, StatusAnswer).FileStatus);
  }

  /**
   * Lists a folder in HDFS's order: by the names' UTF-8 bytes as signed bytes, so names that are not ASCII come first.
   * Idempotent, but not atomic: entries may change between two pages.
   * @param options.startAfter Only names after this one, which need not exist.
   * @throws {HdfsError} FileNotFoundException for a missing folder; HDFS_REFUSED for a file.
   */
  async list(path: string, options: { readonly startAfter?: string } = {}): Promise<FileStatus[]> {
    const found: FileStatus[] = [];
    let { startAfter } = options;
    for (;;) {
      const answer = await this.#call({
        operation: 'LISTSTATUS_BATCH',
        path,
        // The NameNode decodes this parameter, and no other, twice.
        ...(startAfter === undefined ? {} : { query: { startAfter: startAfter.replaceAll('%', '%25') } }),
      });
      const { partialListing, remainingEntries } = parseAnswer(answer, ListAnswer).DirectoryListing;
      const page = partialListing.FileStatuses.FileStatus;
      const last = page.at(-1)?.pathSuffix;
      if (last === '')
        throw new HdfsError('HDFS_REFUSED', `LISTSTATUS_BATCH ${path}: it is a file, not a folder`);
      for (const entry of page) found.push(statusOf(childOf(path, entry.pathSuffix), entry));
      if (remainingEntries === 0) return found;
      if (last === undefined)
        throw unexpectedAnswer(
          answer.step,
          answer.status,
          'returned an empty page before the end of the list',
        );
      startAfter = last;
    }
  }

  /** Lists a folder like {@link list}; returns nothing for a missing folder. */
  async listIfExists(path: string, options: { readonly startAfter?: string } = {}): Promise<FileStatus[]> {
    return (await undefinedIfMissing(this.list(path, options))) ?? [];
  }

  /**
   * Renames a file or folder to an unused path in an existing folder (renameoptions=NONE). Atomic; not idempotent.
   * @throws {HdfsError} FileAlreadyExistsException: neither file is changed (IOException if one of them is a folder).
   *   FileNotFoundException: the source or the target's folder is missing. `ambiguous`: check whether the source is
   *   gone and the target exists.
   */
  async rename(from: string, to: string): Promise<void> {
    await this.#rename(from, to, 'NONE');
  }

  /**
   * Renames a file and overwrites the target (renameoptions=OVERWRITE). Atomic: readers see the old file or the new one.
   * Not idempotent.
   * @throws {HdfsError} As {@link rename}, except FileAlreadyExistsException.
   */
  async replace(from: string, to: string): Promise<void> {
    await this.#rename(from, to, 'OVERWRITE');
  }

  /**
   * Sets the time of a file's last modification. Idempotent.
   * @param ms Milliseconds since 1970.
   * @throws {HdfsError} FileNotFoundException
   */
  async setModificationTime(path: string, ms: number): Promise<void> {
    const query = { modificationtime: String(ms), accesstime: '-1' };
    await this.#call({ operation: 'SETTIMES', path, query });
  }

  /** Creates a folder and its missing parents. Idempotent: an existing folder is unchanged. */
  async makeFolder(path: string): Promise<void> {
    const answer = await this.#call({ operation: 'MKDIRS', path, query: this.#folderPermission });
    if (!parseAnswer(answer, BooleanAnswer).boolean)
      throw unexpectedAnswer(answer.step, answer.status, 'created no folder');
  }

  /**
   * Deletes a file or folder. Idempotent: a missing path is no error.
   * @param options.recursive Whether a folder may have contents, which are deleted too.
   * @returns Whether it existed; false also if this call deleted it, lost the answer and retried.
   */
  async delete(path: string, options: { readonly recursive?: boolean } = {}): Promise<boolean> {
    const query = { recursive: String(options.recursive ?? false) };
    return parseAnswer(await this.#call({ operation: 'DELETE', path, query }), BooleanAnswer).boolean;
  }

  /** Returns the checksum of a file, computed by its DataNodes, without the padding of WebHDFS. Idempotent. */
  async checksum(path: string): Promise<FileChecksum> {
    const answer = await this.#call({ operation: 'GETFILECHECKSUM', path });
    const { algorithm, bytes, length } = parseAnswer(answer, ChecksumAnswer).FileChecksum;
    return { algorithm, bytes: bytes.slice(0, length * 2), length };
  }

  async #rename(from: string, to: string, renameoptions: 'NONE' | 'OVERWRITE'): Promise<void> {
    encodePath(to);
    const query = { destination: to, renameoptions };
    const answer = await this.#call({ operation: 'RENAME', path: from, query });
    // With renameoptions, a success has no body. A body could be {"boolean":false}, a failure with status 200.
    if (answer.body.length > 0)
      throw unexpectedAnswer(answer.step, answer.status, 'with a body, so the rename may have failed');
  }

  #call(call: WebHdfsCall): Promise<Answered> {
    return this.#cluster.call({ signal: this.#signal, ...call });
  }
}

function isMissing(thrown: unknown): thrown is HdfsError {
  return thrown instanceof HdfsError && thrown.exception === 'FileNotFoundException';
}

/** Returns the result of a call; undefined if it throws FileNotFoundException. */
async function undefinedIfMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
}

function anySignal(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a === undefined || b === undefined ? (a ?? b) : AbortSignal.any([a, b]);
}
