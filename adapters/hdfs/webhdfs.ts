import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { identityOf, permissionOf, tlsOf, type HdfsOptions } from './access.ts';
import type { Logger } from '../log.ts';
import { fileSink, withBody, withLocalFile, type LocalSource } from './bodies.ts';
import { Cluster, DEFAULT_RETRY, type Answered, type Call, type Retry } from './cluster.ts';
import { HdfsError, unexpectedAnswer } from './errors.ts';
import { childOf, encodePath, nameOf } from './paths.ts';
import { DEFAULT_TIMEOUTS, type Timeouts } from './request.ts';

export { HdfsError } from './errors.ts';
export type { LocalSource } from './bodies.ts';
export type { Retry } from './cluster.ts';
export type { Timeouts } from './request.ts';

/** How to reach an HDFS. */
export interface WebHdfsOptions extends HdfsOptions {
  readonly logger?: Logger | undefined;
  /** Limits in milliseconds that differ from {@link DEFAULT_TIMEOUTS}. */
  readonly timeouts?: Partial<Timeouts>;
  /** Tries that differ from {@link DEFAULT_RETRY}. */
  readonly retry?: Partial<Retry>;
  /** Ends everything that the client has under way; each then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What HDFS knows of a file or folder. */
export interface FileStatus {
  /** Absolute. */
  readonly path: string;
  /** The last segment of the path; empty for the root. */
  readonly name: string;
  readonly type: 'FILE' | 'DIRECTORY';
  /** In bytes; 0 for a folder. */
  readonly length: number;
  /** Milliseconds since 1970 UTC, by the NameNode's clock. */
  readonly modifiedAtMs: number;
  /** 0 for a folder. */
  readonly replication: number;
  /** In bytes; 0 for a folder. */
  readonly blockSize: number;
  readonly owner: string;
  readonly group: string;
  /** Octal, as `644`. */
  readonly permission: string;
}

/** A checksum of a file's content, its chunks and its blocks. */
export interface FileChecksum {
  /** As `MD5-of-0MD5-of-512CRC32C`. */
  readonly algorithm: string;
  /** Hexadecimal, two digits a byte. */
  readonly bytes: string;
  /** How many bytes the checksum has. */
  readonly length: number;
}

const Status = z.object({
  pathSuffix: z.string(),
  type: z.enum(['FILE', 'DIRECTORY']),
  length: z.int().min(0),
  modificationTime: z.int(),
  replication: z.int().min(0),
  blockSize: z.int().min(0),
  owner: z.string(),
  group: z.string(),
  permission: z.string(),
});
const StatusAnswer = z.object({ FileStatus: Status });
const ListAnswer = z.object({
  DirectoryListing: z.object({
    partialListing: z.object({ FileStatuses: z.object({ FileStatus: z.array(Status) }) }),
    remainingEntries: z.int().min(0),
  }),
});
const BooleanAnswer = z.object({ boolean: z.boolean() });
const ChecksumAnswer = z.object({
  FileChecksum: z.object({
    algorithm: z.string().min(1),
    bytes: z.string().regex(/^([0-9a-f]{2})+$/),
    length: z.int().min(1),
  }),
});

/** The largest file that is read into memory whole. */
const READ_LIMIT = 256 * 2 ** 20;

/**
 * A client of HDFS over WebHDFS.
 *
 * Every method throws {@link HdfsError}: HDFS_UNREACHABLE for what may pass, HDFS_REFUSED for what will not,
 * HDFS_DAMAGED for content that is not what it should be. Reads, `makeFolder` and `delete` are tried again on
 * passing errors; `create` and `rename` as long as it is certain that nothing was carried out.
 */
export class WebHdfs {
  readonly #cluster: Cluster;
  readonly #signal: AbortSignal | undefined;
  readonly #filePermission: Readonly<Record<string, string>>;
  readonly #folderPermission: Readonly<Record<string, string>>;

  /** @throws {PipelineError} SETTINGS_INVALID for a file or an environment variable that is not there. */
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
   * Writes a new file and its missing parents, which get the permissions of the folder that they are in; an existing
   * file is never replaced.
   *
   * After a failure a part of the file may be there, visible and healthy: so write under a name of its own,
   * check length and checksum, rename, and take a fresh name to try again.
   * @param body The content, or a local file, which is streamed and must not change meanwhile.
   * @throws {HdfsError} FileAlreadyExistsException: the file that was there is not changed. `ambiguous` when
   *   the DataNode was reached and its answer is lost, or is a passing error.
   * @throws {PipelineError} STAGING_LOST for a local file that cannot be read.
   */
  async create(
    path: string,
    body: LocalSource,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const signal = eitherOf(this.#signal, options.signal);
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
   * The content of a whole file, of at most 256 MiB.
   * @throws {HdfsError} FileNotFoundException, also for a folder. An answer cut short is an error.
   */
  async read(path: string): Promise<Buffer> {
    const { body } = await this.#call({ operation: 'OPEN', path, bodyLimit: READ_LIMIT });
    return body;
  }

  /** As {@link read}, and undefined when the NameNode says that there is nothing at the path. */
  async readIfExists(path: string): Promise<Buffer | undefined> {
    try {
      return await this.read(path);
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown;
      // The NameNode knows. A DataNode answers the same of a folder, and of a file that was removed and made anew meanwhile.
      if (!thrown.redirected) return undefined;
      const status = await this.status(path);
      if (status === undefined) return undefined;
      if (status.type === 'FILE') return this.read(path);
      throw thrown;
    }
  }

  /**
   * Streams a file of HDFS to a local file, which is written anew, and removed again on failure.
   * @param expectedLength In bytes.
   * @throws {HdfsError} HDFS_DAMAGED when the length is not the expected one.
   * @throws {PipelineError} STAGING_FULL or STAGING_LOST for what the local disk refuses.
   */
  async download(path: string, toFile: string, expectedLength: number): Promise<void> {
    try {
      await withLocalFile(toFile, 'w', async (file) => {
        const { bytes, step } = await this.#call({ operation: 'OPEN', path, receive: () => fileSink(file) });
        if (bytes === expectedLength) return;
        throw new HdfsError(
          'HDFS_DAMAGED',
          `OPEN ${path} at ${step.server}: the file has ${bytes} bytes and not ${expectedLength}`,
        );
      });
    } catch (thrown) {
      await rm(toFile, { force: true });
      throw thrown;
    }
  }

  /** What HDFS knows of a path; undefined when the NameNode says that there is nothing. */
  async status(path: string): Promise<FileStatus | undefined> {
    try {
      const answer = await this.#call({ operation: 'GETFILESTATUS', path });
      return statusOf(path, parse(answer, StatusAnswer).FileStatus);
    } catch (thrown) {
      if (isMissing(thrown)) return undefined;
      throw thrown;
    }
  }

  /**
   * Everything in a folder, in HDFS's order: by the bytes of the names in UTF-8, taken as signed, so that
   * what is not ASCII comes first.
   * @param options.startAfter Only names after this one in that order; it need not exist.
   * @throws {HdfsError} FileNotFoundException for a missing folder; HDFS_REFUSED for a file.
   */
  async list(path: string, options: { readonly startAfter?: string } = {}): Promise<FileStatus[]> {
    const found: FileStatus[] = [];
    let { startAfter } = options;
    for (;;) {
      const answer = await this.#call({
        operation: 'LISTSTATUS_BATCH',
        path,
        // The NameNode decodes this parameter twice, and no other: %41 would stand for A.
        ...(startAfter === undefined ? {} : { query: { startAfter: startAfter.replaceAll('%', '%25') } }),
      });
      const { partialListing, remainingEntries } = parse(answer, ListAnswer).DirectoryListing;
      const page = partialListing.FileStatuses.FileStatus;
      const last = page.at(-1)?.pathSuffix;
      if (last === '')
        throw new HdfsError('HDFS_REFUSED', `LISTSTATUS_BATCH ${path}: it is a file, not a folder`);
      for (const entry of page) found.push(statusOf(childOf(path, entry.pathSuffix), entry));
      if (remainingEntries === 0) return found;
      if (last === undefined)
        throw unexpectedAnswer(answer.step, answer.status, 'its page of a longer list is empty');
      startAfter = last;
    }
  }

  /**
   * Moves a file or folder to a name that is free, in a folder that exists (renameoptions=NONE).
   * @throws {HdfsError} FileAlreadyExistsException: neither file is changed (IOException, when one of them is a
   *   folder). FileNotFoundException: the source or the target's folder is missing. `ambiguous`: look whether
   *   the source is gone and the target there.
   */
  async rename(from: string, to: string): Promise<void> {
    await this.#rename(from, to, 'NONE');
  }

  /**
   * Moves a file to a name, in place of the file that has it, if one does (renameoptions=OVERWRITE). Readers see
   * the one or the other.
   * @throws {HdfsError} As {@link rename}, but for FileAlreadyExistsException.
   */
  async replace(from: string, to: string): Promise<void> {
    await this.#rename(from, to, 'OVERWRITE');
  }

  /** Makes a folder and its missing parents; one that exists is left as it is. */
  async makeFolder(path: string): Promise<void> {
    const answer = await this.#call({ operation: 'MKDIRS', path, query: this.#folderPermission });
    if (!parse(answer, BooleanAnswer).boolean)
      throw unexpectedAnswer(answer.step, answer.status, 'made no folder');
  }

  /**
   * Removes a file or folder.
   * @param options.recursive Also a folder that is not empty, with all that is in it.
   * @returns Whether it was there; false also when an earlier try of this call had removed it unheard.
   */
  async delete(path: string, options: { readonly recursive?: boolean } = {}): Promise<boolean> {
    const query = { recursive: String(options.recursive ?? false) };
    return parse(await this.#call({ operation: 'DELETE', path, query }), BooleanAnswer).boolean;
  }

  /** The checksum that the DataNodes keep of a file's content, without the padding of its text form. */
  async checksum(path: string): Promise<FileChecksum> {
    const answer = await this.#call({ operation: 'GETFILECHECKSUM', path });
    const { algorithm, bytes, length } = parse(answer, ChecksumAnswer).FileChecksum;
    return { algorithm, bytes: bytes.slice(0, length * 2), length };
  }

  async #rename(from: string, to: string, renameoptions: 'NONE' | 'OVERWRITE'): Promise<void> {
    encodePath(to);
    const query = { destination: to, renameoptions };
    const answer = await this.#call({ operation: 'RENAME', path: from, query });
    // With options a success has no body. Without them a failure is {"boolean":false}, with status 200 as well.
    if (answer.body.length > 0)
      throw unexpectedAnswer(answer.step, answer.status, 'with a body, so it need not have renamed anything');
  }

  #call(call: Call): Promise<Answered> {
    return this.#cluster.call({ signal: this.#signal, ...call });
  }
}

function isMissing(thrown: unknown): thrown is HdfsError {
  return thrown instanceof HdfsError && thrown.exception === 'FileNotFoundException';
}

function statusOf(path: string, entry: z.infer<typeof Status>): FileStatus {
  const { type, length, modificationTime, replication, blockSize, owner, group, permission } = entry;
  const name = nameOf(path);
  const modifiedAtMs = modificationTime;
  return { path, name, type, length, modifiedAtMs, replication, blockSize, owner, group, permission };
}

function parse<T>(answer: Answered, shape: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(answer.body.toString('utf8'));
  } catch {
    throw unexpectedAnswer(answer.step, answer.status, 'its body is not JSON');
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.map(String).join('.')).join(', ');
  throw unexpectedAnswer(answer.step, answer.status, `its body is not as WebHDFS writes it: ${fields}`);
}

function eitherOf(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return AbortSignal.any([one, other]);
}
