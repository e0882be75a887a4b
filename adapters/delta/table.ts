import { randomUUID } from 'node:crypto';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { formatActions, type Action, type AddFile, type Metadata } from './actions.ts';
import { checkpointActions, encodeCheckpoint } from './checkpoint.ts';
import { addMissingColumns, type AddedColumns } from './columns.ts';
import { columnsEntry, creationEntry, toSafeInteger } from './entries.ts';
import { DeltaLog } from './log.ts';
import { ENGINE } from './rewrites.ts';
import {
  mismatchedFence,
  checkFences,
  type TransactionFence,
  type Snapshot,
  type SnapshotBuilder,
  type TableHead,
} from './snapshot.ts';
import { missingError, isNotFound, storeBytes, storeFile, type StoredFile } from '../hdfs/verified-upload.ts';
import type { Logger } from '../log.ts';
import { Mutex } from '../../lib/mutex.ts';
import { HdfsError, type WebHdfs } from '../hdfs/webhdfs.ts';

/** The actions to append to a table as one log entry. */
export interface Commit {
  /** The commit is made only if no fence's application has another `txn` version than its `from`. */
  readonly fences: readonly TransactionFence[];
  /** Application ids whose `txn` version is set to 1 unless they have one. */
  readonly marks?: readonly string[];
  readonly files: readonly AddFile[];
  /** Additional fields of `commitInfo`, for people. */
  readonly info: Readonly<Record<string, unknown>>;
  /** The folder under `_scratch` for temporary files; {@link DeltaTable.deleteScratch} removes it. */
  readonly scratch: string;
}

/** The result of a commit. `landed-before`: the `txn` versions were already at or past every fence's `to`. */
export interface CommitOutcome {
  readonly outcome: 'committed' | 'landed-before';
  /** A version of the table that includes the commit. */
  readonly version: number;
}

/** The options of a {@link DeltaTable}. */
export interface DeltaOptions {
  readonly hdfs: WebHdfs;
  readonly logger: Logger;
  /** In versions: a checkpoint is written at each version that is a multiple of this. */
  readonly checkpointInterval: number;
}

/**
 * A Delta table in HDFS. The log is the only source of truth: an entry is written under a temporary name and renamed
 * to the next version's name, which succeeds for exactly one writer; the others refresh the log and retry.
 *
 * Calls on one instance run one after the other. All methods throw {@link HdfsError}; those that read the log also
 * TABLE_LOG_INVALID (cannot be parsed) and TABLE_LOG_CHANGED (entries read earlier are gone or replaced).
 */
export class DeltaTable {
  /** The table's folder, absolute. */
  readonly path: string;
  readonly #options: DeltaOptions;
  readonly #madeFolders = new Set<string>();
  readonly #log: DeltaLog;
  /** The columns and partitions that the table must have for each commit. */
  #required: Metadata | undefined;
  readonly #mutex = new Mutex();

  constructor(path: string, options: DeltaOptions) {
    this.path = path;
    this.#options = options;
    this.#log = new DeltaLog(path, options.hdfs);
  }

  /** Returns the newest snapshot; undefined if the table does not exist. Read-only. */
  async snapshot(): Promise<Snapshot | undefined> {
    return this.#mutex.run(async () => {
      const { version } = await this.#log.refresh();
      return version < 0 ? undefined : this.#log.snapshot();
    });
  }

  /** Returns the newest version, schema and transactions, without reading the file list. Read-only. */
  async head(): Promise<TableHead | undefined> {
    return this.#mutex.run(async () => {
      const builder = await this.#log.refresh();
      return builder.version < 0 ? undefined : builder.head();
    });
  }

  /**
   * Returns the {@link head} of a table that can be appended to; undefined if the table does not exist. Read-only.
   * @throws {PipelineError} TABLE_REWRITTEN when another program removed rows that are still missing;
   * TABLE_OTHER_COLUMNS when a required column has another type, or is missing and cannot be added
   */
  async headForAppend(required: Metadata): Promise<TableHead | undefined> {
    return this.#mutex.run(async () => {
      const builder = await this.#log.refresh();
      if (builder.version < 0) return undefined;
      await this.#requireNoLoss();
      const head = builder.head();
      addMissingColumns(this.path, head.metadata, required);
      return head;
    });
  }

  /**
   * Creates the table unless it exists. Idempotent, also for concurrent writers. Later commits add the columns that it
   * lacks.
   * @param txns Returns the `txn` versions that a new table begins with; called only if the table does not exist.
   * @throws {PipelineError} TABLE_OTHER_COLUMNS when the existing table has other columns that cannot be changed to these
   */
  async createIfMissing(
    metadata: Metadata,
    scratch: string,
    txns: () => Promise<ReadonlyMap<string, bigint>> = () => Promise.resolve(new Map()),
  ): Promise<void> {
    await this.#mutex.run(async () => {
      this.#required = metadata;
      let builder = await this.#log.known();
      while (builder.version < 0) {
        await this.#writeEntry(0, creationEntry(metadata, await txns()), scratch);
        builder = await this.#log.refresh();
      }
      this.#columnsToAdd(builder);
    });
  }

  /**
   * Uploads a file into the table's folder and verifies it; a commit must add it. Idempotent by path and content.
   * @param nameOf Returns the path for the SHA-256 of the content; as the result's, relative to the table's folder.
   * @throws {PipelineError} HDFS_DAMAGED when HDFS has other bytes at the path; STAGING_LOST for an unreadable local file
   */
  async upload(localFile: string, nameOf: (sha256: string) => string, scratch: string): Promise<StoredFile> {
    const absolute = (sha256: string): string => `${this.path}/${nameOf(sha256)}`;
    const store = { hdfs: this.#options.hdfs, madeFolders: this.#madeFolders };
    const stored = await storeFile(store, localFile, absolute, this.#temporary(scratch));
    return { ...stored, path: stored.path.slice(this.path.length + 1) };
  }

  /** Deletes an uploaded file that no commit added. Idempotent. */
  async discard(path: string): Promise<void> {
    await this.#options.hdfs.delete(`${this.path}/${path}`);
  }

  /** Deletes a scratch folder with the temporary files of interrupted attempts. Idempotent. */
  async deleteScratch(scratch: string): Promise<void> {
    await this.#options.hdfs.delete(this.#scratchFolder(scratch), { recursive: true });
  }

  /**
   * Returns the outcome of a commit with these fences if it has landed; undefined if it is due. Read-only.
   * @throws {PipelineError} OFFSETS_MOVED when a `txn` version is neither at the fence's `from` nor at or past its `to`.
   */
  async findLanded(fences: readonly TransactionFence[]): Promise<CommitOutcome | undefined> {
    return this.#mutex.run(async () => {
      const { version, txns } = (await this.#refreshFor(fences)).head();
      return checkFences(this.path, txns, fences) === 'due'
        ? undefined
        : { outcome: 'landed-before', version };
    });
  }

  /**
   * Appends one entry to the log, and a checkpoint where one is due; before it, an entry that adds the columns that the
   * table lacks. Idempotent by the fences: retries and concurrent writers of the same commit produce one entry. Retries
   * on a version conflict.
   * @throws {PipelineError} OFFSETS_MOVED as {@link findLanded}; TABLE_OTHER_COLUMNS; TABLE_REWRITTEN
   * @throws {HdfsError} When `ambiguous`, the entry may exist; calling again is safe.
   */
  async commit(commit: Commit): Promise<CommitOutcome> {
    return this.#mutex.run(async () => {
      for (;;) {
        const builder = await this.#refreshFor(commit.fences);
        const { version, txns } = builder.head();
        if (checkFences(this.path, txns, commit.fences) === 'landed')
          return { outcome: 'landed-before', version };
        const columns = this.#columnsToAdd(builder);
        await this.#requireNoLoss();
        const actions = columns === undefined ? actionsOf(commit, txns) : columnsEntry(columns);
        if (!(await this.#writeEntry(version + 1, actions, commit.scratch))) {
          // Version conflict: another writer committed first.
          await this.#log.refresh();
          continue;
        }
        await this.#log.append(actions);
        await this.#checkpoint(version + 1, commit.scratch);
        if (columns === undefined) return { outcome: 'committed', version: version + 1 };
      }
    });
  }

  /**
   * Refreshes the log only if its known state contradicts the fences. A stale state is safe otherwise: `txn` versions
   * only grow, and a commit on top of an old version fails by a version conflict.
   */
  async #refreshFor(fences: readonly TransactionFence[]): Promise<SnapshotBuilder> {
    const known = await this.#log.known();
    return mismatchedFence(known.txns, fences) === undefined ? known : this.#log.refresh();
  }

  /**
   * A `txn` outlives its rows: after another program's RESTORE, the removed rows still count as landed. So nothing is
   * committed after such a loss; each entry of this program therefore also confirms all earlier entries.
   */
  async #requireNoLoss(): Promise<void> {
    const loss = await this.#log.loss();
    if (loss === undefined) return;
    const { version, operation, files } = loss;
    throw new PipelineError(
      'TABLE_REWRITTEN',
      `${this.path}: version ${version} (${operation}), by another program, removed rows of ${files} ` +
        `${files === 1 ? 'file' : 'files'}, which would not land again; version ${version - 1} still has them`,
    );
  }

  #columnsToAdd({ metadata }: SnapshotBuilder): AddedColumns | undefined {
    if (metadata === undefined || this.#required === undefined) return undefined;
    return addMissingColumns(this.path, metadata, this.#required);
  }

  /** @returns Whether this writer created the version; if not, the log must be refreshed. */
  async #writeEntry(version: number, actions: readonly Action[], scratch: string): Promise<boolean> {
    const { hdfs } = this.#options;
    const temporary = this.#temporary(scratch);
    if (!(await this.#log.isCurrent())) return false;
    // A create would make the missing folders with their parent's permissions instead of those of the settings.
    if (version === 0) await hdfs.makeFolder(this.#log.folder);
    await storeBytes(hdfs, Buffer.from(formatActions(actions)), temporary);
    try {
      await hdfs.rename(temporary, this.#log.entry(version));
      return true;
    } catch (error) {
      if (!(error instanceof HdfsError)) throw error;
      if (isNotFound(error)) throw missingError(temporary, error);
      if (error.exception === 'FileAlreadyExistsException') {
        await hdfs.delete(temporary);
        return false;
      }
      // The answer was lost: the entry's content tells which writer's it is.
      if (error.ambiguous) return this.#isOurs(version, actions);
      throw error;
    }
  }

  async #isOurs(version: number, actions: readonly Action[]): Promise<boolean> {
    const entry = await this.#options.hdfs.readIfExists(this.#log.entry(version));
    return entry?.equals(Buffer.from(formatActions(actions))) ?? false;
  }

  /** A failure is only logged: the commit is valid without a checkpoint, whose content the entries have too. */
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
      logger.warn({ table: this.path, version, error: messageOf(error) }, 'writing the checkpoint failed');
    }
  }

  #scratchFolder(scratch: string): string {
    return `${this.path}/_scratch/${scratch}`;
  }

  /** Returns a unique path. Readers of Delta ignore folders whose names begin with "_". */
  #temporary(scratch: string): string {
    return `${this.#scratchFolder(scratch)}/${randomUUID()}`;
  }
}

function actionsOf(commit: Commit, txns: Snapshot['txns']): Action[] {
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
    ...commit.fences.map(({ appId, to }) => ({ txn: { appId, version: toSafeInteger(to) } })),
    ...marks.map((appId) => ({ txn: { appId, version: 1 } })),
    ...commit.files.map((add) => ({ add })),
  ];
}
