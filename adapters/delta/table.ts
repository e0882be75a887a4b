import { randomUUID } from 'node:crypto';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { formatActions, requireColumns, type Action, type AddFile, type Metadata } from './actions.ts';
import { checkpointActions, encodeCheckpoint } from './checkpoint.ts';
import { DeltaLog } from './log.ts';
import { ENGINE } from './rewrites.ts';
import {
  PROTOCOL,
  mismatchedFence,
  checkFences,
  type TransactionFence,
  type Snapshot,
  type SnapshotBuilder,
  type TableHead,
} from './snapshot.ts';
import {
  temporaryMissing,
  isNotFound,
  storeBytes,
  storeFile,
  type StoredFile,
} from '../hdfs/verified-upload.ts';
import type { Logger } from '../log.ts';
import { Mutex } from '../../lib/mutex.ts';
import { HdfsError, type WebHdfs } from '../hdfs/webhdfs.ts';

/** What a commit adds to a table. */
export interface Commit {
  /** All of them must stand at their beginning, else the commit is not made. */
  readonly fences: readonly TransactionFence[];
  /** Application ids that stand at 1 from the commit on, whether or not they did before. */
  readonly marks?: readonly string[];
  readonly files: readonly AddFile[];
  /** What made the commit, for people: it goes into `commitInfo`. */
  readonly info: Readonly<Record<string, unknown>>;
  /** Names the folder of this try's temporary files, which whoever makes commits of that name may remove. */
  readonly scratch: string;
}

/** What became of a commit. `landed-before`: its fences already stood at their end, so nothing was written. */
export interface CommitOutcome {
  readonly outcome: 'committed' | 'landed-before';
  /** The table's version with the commit in it. */
  readonly version: number;
}

/** How a table is kept. */
export interface DeltaOptions {
  readonly hdfs: WebHdfs;
  readonly logger: Logger;
  /** A checkpoint is written at each multiple of this version. */
  readonly checkpointInterval: number;
}

/**
 * A Delta table in HDFS. Its log is the one truth: an entry is written under a temporary name and renamed
 * to the next number, which exactly one writer wins. The loser reads what won and judges again.
 */
export class DeltaTable {
  /** The table's folder, absolute. */
  readonly path: string;
  readonly #options: DeltaOptions;
  readonly #madeFolders = new Set<string>();
  readonly #log: DeltaLog;
  /** What the table must have for what is committed to it. */
  #required: Metadata | undefined;
  /** One reading or committing at a time, since they share the log. */
  readonly #turns = new Mutex();

  constructor(path: string, options: DeltaOptions) {
    this.path = path;
    this.#options = options;
    this.#log = new DeltaLog(path, options.hdfs);
  }

  /** The table as it is now; undefined when there is none. */
  async snapshot(): Promise<Snapshot | undefined> {
    return this.#turns.run(async () => {
      const { version } = await this.#log.refresh();
      return version < 0 ? undefined : this.#log.snapshot();
    });
  }

  /** As {@link snapshot}, without the files, which need not be read for it. */
  async head(): Promise<TableHead | undefined> {
    return this.#turns.run(async () => {
      const read = await this.#log.refresh();
      return read.version < 0 ? undefined : read.head();
    });
  }

  /**
   * As {@link head}, for one who goes on from where the table stands.
   * @param required What the table must have.
   * @throws {PipelineError} TABLE_REWRITTEN when another program removed rows that the table had, and they are missing;
   * TABLE_OTHER_COLUMNS; TABLE_LOG_CHANGED
   */
  async headForAppend(required: Metadata): Promise<TableHead | undefined> {
    return this.#turns.run(async () => {
      const read = await this.#log.refresh();
      if (read.version < 0) return undefined;
      await this.#requireKept();
      const head = read.head();
      requireColumns(this.path, head.metadata, required);
      return head;
    });
  }

  /**
   * Makes the table where there is none. Several may try at once; one wins. Each commit from then on needs its columns.
   * @throws {PipelineError} TABLE_OTHER_COLUMNS when there is one that lacks a column.
   */
  async createIfMissing(metadata: Metadata, scratch: string): Promise<void> {
    await this.#turns.run(async () => {
      this.#required = metadata;
      let read = await this.#log.known();
      // Another writer won the first entry, or the answer was lost before it was made: the log itself says which.
      while (read.version < 0) {
        await this.#writeEntry(
          0,
          [
            { commitInfo: { operation: 'CREATE TABLE', engineInfo: ENGINE, timestamp: Date.now() } },
            { protocol: { ...PROTOCOL } },
            { metaData: metadata },
          ],
          scratch,
        );
        read = await this.#log.refresh();
      }
      this.#requireColumns(read);
    });
  }

  /**
   * Uploads a file into the table's folder. It is no part of the table until a commit adds it.
   * @param nameOf Gives its path from the SHA-256 of its bytes; that path and the answer's are relative to
   * the table's folder.
   */
  async upload(localFile: string, nameOf: (sha256: string) => string, scratch: string): Promise<StoredFile> {
    const absolute = (sha256: string): string => `${this.path}/${nameOf(sha256)}`;
    const store = { hdfs: this.#options.hdfs, madeFolders: this.#madeFolders };
    const stored = await storeFile(store, localFile, absolute, this.#temporary(scratch));
    return { ...stored, path: stored.path.slice(this.path.length + 1) };
  }

  /** Removes a stored file that no commit added. */
  async discard(path: string): Promise<void> {
    await this.#options.hdfs.delete(`${this.path}/${path}`);
  }

  /** Removes what tries of that name left. */
  async deleteScratch(scratch: string): Promise<void> {
    await this.#options.hdfs.delete(this.#scratchFolder(scratch), { recursive: true });
  }

  /**
   * Whether a commit of these fences has landed; undefined when it is due, by the log as it is known.
   * @throws {PipelineError} OFFSETS_MOVED when a fence stands elsewhere.
   */
  async findLanded(fences: readonly TransactionFence[]): Promise<CommitOutcome | undefined> {
    return this.#turns.run(async () => {
      const { version, txns } = (await this.#readFor(fences)).head();
      return checkFences(this.path, txns, fences) === 'due'
        ? undefined
        : { outcome: 'landed-before', version };
    });
  }

  /**
   * Adds to the table, once: any number of tries by any number of writers make one entry.
   * @throws {PipelineError} OFFSETS_MOVED when a fence stands elsewhere; TABLE_OTHER_COLUMNS; TABLE_REWRITTEN;
   * TABLE_LOG_INVALID; TABLE_LOG_CHANGED; an error of HDFS.
   */
  async commit(commit: Commit): Promise<CommitOutcome> {
    return this.#turns.run(async () => {
      for (;;) {
        const read = await this.#readFor(commit.fences);
        const { version, txns } = read.head();
        if (checkFences(this.path, txns, commit.fences) === 'landed')
          return { outcome: 'landed-before', version };
        this.#requireColumns(read);
        await this.#requireKept();
        const actions = entryOf(commit, txns);
        if (await this.#writeEntry(version + 1, actions, commit.scratch)) {
          await this.#log.append(actions);
          await this.#checkpoint(version + 1, commit.scratch);
          return { outcome: 'committed', version: version + 1 };
        }
        // Who knows the log as it was is refused its next number, and only then has to read on.
        await this.#log.refresh();
      }
    });
  }

  /**
   * The log, read as far as the fences need: as it is known, where by that they have landed or are due. It only goes
   * on, so that what has landed has; and a commit that is not due any more is refused its number.
   */
  async #readFor(fences: readonly TransactionFence[]): Promise<SnapshotBuilder> {
    const known = await this.#log.known();
    return mismatchedFence(known.txns, fences) === undefined ? known : this.#log.refresh();
  }

  /**
   * Transactions outlive the rows that they landed: after a RESTORE, the table still counts as holding them. So nothing is
   * committed after a loss, by which each entry of this program also says that those before it are in order.
   */
  async #requireKept(): Promise<void> {
    const loss = await this.#log.loss();
    if (loss === undefined) return;
    const { version, operation, files } = loss;
    throw new PipelineError(
      'TABLE_REWRITTEN',
      `${this.path}: version ${version} (${operation}), by another program, removed rows of ${files} ` +
        `${files === 1 ? 'file' : 'files'}, which would not land again; they are in version ${version - 1}`,
    );
  }

  #requireColumns({ metadata }: SnapshotBuilder): void {
    if (metadata !== undefined && this.#required !== undefined)
      requireColumns(this.path, metadata, this.#required);
  }

  /** @returns Whether this writer won the version; where not, the log must be read again. */
  async #writeEntry(version: number, actions: readonly Action[], scratch: string): Promise<boolean> {
    const { hdfs } = this.#options;
    const temporary = this.#temporary(scratch);
    if (!(await this.#log.isCurrent())) return false;
    // First, so that all folders of the table have the permissions of the settings, and not those of the root.
    if (version === 0) await hdfs.makeFolder(this.#log.folder);
    await storeBytes(hdfs, Buffer.from(formatActions(actions)), temporary);
    try {
      await hdfs.rename(temporary, this.#log.entry(version));
      return true;
    } catch (error) {
      if (!(error instanceof HdfsError)) throw error;
      if (isNotFound(error)) throw temporaryMissing(temporary, error);
      if (error.exception === 'FileAlreadyExistsException') {
        await hdfs.delete(temporary);
        return false;
      }
      // The answer was lost. Whether the entry stands is what the log itself says when it is read again.
      if (error.ambiguous) return this.#isOurs(version, actions);
      throw error;
    }
  }

  async #isOurs(version: number, actions: readonly Action[]): Promise<boolean> {
    const found = await this.#options.hdfs.readIfExists(this.#log.entry(version));
    return found?.equals(Buffer.from(formatActions(actions))) ?? false;
  }

  /** A checkpoint that fails harms nothing, since the entries say the same; so the commit still stands. */
  async #checkpoint(version: number, scratch: string): Promise<void> {
    const { hdfs, checkpointInterval, logger } = this.#options;
    if (version === 0 || version % checkpointInterval !== 0) return;
    try {
      const actions = checkpointActions(await this.#log.snapshot(), Date.now());
      const checkpoint = this.#temporary(scratch);
      await storeBytes(hdfs, await encodeCheckpoint(actions), checkpoint);
      await hdfs.rename(checkpoint, this.#log.checkpoint(version));
      const pointer = this.#temporary(scratch);
      await storeBytes(hdfs, Buffer.from(JSON.stringify({ version, size: actions.length })), pointer);
      await hdfs.replace(pointer, this.#log.pointer);
    } catch (error) {
      logger.warn({ table: this.path, version, error: messageOf(error) }, 'the checkpoint was not written');
    }
  }

  #scratchFolder(scratch: string): string {
    return `${this.path}/_scratch/${scratch}`;
  }

  /** A name that no other try has. Readers pass over folders that begin with "_". */
  #temporary(scratch: string): string {
    return `${this.#scratchFolder(scratch)}/${randomUUID()}`;
  }
}

function entryOf(commit: Commit, txns: Snapshot['txns']): Action[] {
  const marks = (commit.marks ?? []).filter((appId) => !txns.has(appId));
  return [
    {
      commitInfo: {
        timestamp: Date.now(),
        operation: 'WRITE',
        engineInfo: ENGINE,
        commitId: randomUUID(),
        ...commit.info,
      },
    },
    ...commit.fences.map(({ appId, to }) => ({ txn: { appId, version: safe(to) } })),
    ...marks.map((appId) => ({ txn: { appId, version: 1 } })),
    ...commit.files.map((add) => ({ add })),
  ];
}

function safe(version: bigint): number {
  if (version <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(version);
  throw new PipelineError(
    'TABLE_LOG_INVALID',
    `${version} is too large for a JSON number, so it cannot be committed`,
  );
}
