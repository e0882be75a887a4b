import { PipelineError } from '../../model/errors.ts';
import type { Action, Metadata } from './actions.ts';
import { addMissingColumns, type AddedColumns } from './columns.ts';
import {
  columnsEntry,
  commitEntry,
  creationEntry,
  versionsEntry,
  type Commit,
  type CommitOutcome,
  type OperationInfo,
} from './entries.ts';
import { DeltaLog } from './log.ts';
import { scratchFolder } from './log-paths.ts';
import { LogWriter, type LogWriterOptions } from './log-writer.ts';
import {
  areLive,
  laterVersion,
  replaceActions,
  requireCurrent,
  type FileReplacement,
} from './replacement.ts';
import { PendingFiles } from './pending-files.ts';
import { requireTransactionsKept } from './properties.ts';
import { describeDamage } from './rewrites.ts';
import {
  checkFences,
  isDue,
  type TransactionFence,
  type Snapshot,
  type SnapshotBuilder,
  type TableHead,
} from './snapshot.ts';
import type { WebHdfs } from '../hdfs/webhdfs.ts';
import { Mutex } from '../../lib/mutex.ts';

/** The options of a {@link DeltaTable}. */
export type DeltaOptions = LogWriterOptions;

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
  /** The table's clock, in milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly #options: DeltaOptions;
  readonly #log: DeltaLog;
  readonly #writer: LogWriter;
  /** The files that are uploaded and not committed. */
  readonly pending: PendingFiles;
  /** The columns and partitions that the table must have for each commit. */
  #required: Metadata | undefined;
  readonly #mutex = new Mutex();

  constructor(path: string, options: DeltaOptions) {
    this.path = path;
    this.nowMs = options.nowMs ?? Date.now;
    this.#options = options;
    this.#log = new DeltaLog(path, options.hdfs, options);
    this.#writer = new LogWriter(path, this.#log, options);
    this.pending = new PendingFiles(path, options.hdfs, this.nowMs);
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
   * @throws {PipelineError} TABLE_REWRITTEN when another program removed rows that are still missing, or doubled rows;
   * TABLE_OTHER_COLUMNS when a required column has another type, or is missing and cannot be added
   */
  async headForAppend(required: Metadata): Promise<TableHead | undefined> {
    return this.#mutex.run(async () => {
      const builder = await this.#log.refresh();
      if (builder.version < 0) return undefined;
      await this.#requireAppendable();
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
        // Read before the table is looked for: in between, another writer can create it and land in all tables.
        const [initial] = await Promise.allSettled([txns()]);
        builder = await this.#log.refresh();
        if (builder.version >= 0) break;
        if (initial.status === 'rejected') throw initial.reason;
        await this.#writer.writeEntry(0, creationEntry(metadata, initial.value, this.nowMs()), scratch);
        builder = await this.#log.refresh();
      }
      this.#columnsToAdd(builder);
    });
  }

  /**
   * Makes sure that `_last_checkpoint` names a checkpoint after a version, before the files up to it are deleted.
   * Idempotent.
   * @throws {PipelineError} TABLE_LOG_INVALID when there is no such checkpoint.
   */
  async pointPast(version: number, scratch: string): Promise<void> {
    await this.#mutex.run(() => this.#writer.pointPast(version, scratch));
  }

  /** The client of HDFS that the table is read and written by. */
  get hdfs(): WebHdfs {
    return this.#options.hdfs;
  }

  /** Deletes a scratch folder with the temporary files of interrupted attempts. Idempotent. */
  async deleteScratch(scratch: string): Promise<void> {
    await this.#options.hdfs.delete(scratchFolder(this.path, scratch), { recursive: true });
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
   * @throws {PipelineError} OFFSETS_MOVED as {@link findLanded}; STAGING_LOST when an application is past its maximum
   * version; TABLE_OTHER_COLUMNS; TABLE_REWRITTEN
   * @throws {HdfsError} When `ambiguous`, the entry may exist; calling again is safe.
   */
  async commit(commit: Commit): Promise<CommitOutcome> {
    return this.#mutex.run(async () => {
      for (;;) {
        const builder = await this.#refreshFor(commit.fences);
        const { version, txns } = builder.head();
        if (checkFences(this.path, txns, commit.fences) === 'landed')
          return { outcome: 'landed-before', version };
        requireCurrent(this.path, txns, commit.maxVersions);
        const columns = this.#columnsToAdd(builder);
        await this.#requireAppendable();
        const actions = async (): Promise<Action[]> => {
          if (columns !== undefined) return columnsEntry(columns, this.nowMs());
          const files = await this.pending.place(commit.files);
          return commitEntry({ ...commit, files }, txns, this.nowMs());
        };
        const isWritten =
          (await this.#log.isNewest()) &&
          (await this.#writer.append(version + 1, await actions(), commit.scratch));
        if (!isWritten) {
          // Version conflict: another writer committed first.
          await this.#log.refresh();
          continue;
        }
        if (columns === undefined) return { outcome: 'committed', version: version + 1 };
      }
    });
  }

  /**
   * Replaces live files by others, as one entry. Retries on a version conflict.
   * @returns The new version; undefined if another commit removed one of the files, or an application is past its maximum
   * version, so that nothing was committed.
   * @throws {PipelineError} TABLE_REWRITTEN
   * @throws {HdfsError} When `ambiguous`, the entry may exist; calling again is safe.
   */
  async replaceFiles(replacement: FileReplacement): Promise<number | undefined> {
    return this.append(replacement.scratch, async (snapshot) => {
      if (!areLive(replacement.removed, snapshot)) return undefined;
      if (laterVersion(snapshot.txns, replacement.maxVersions) !== undefined) return undefined;
      await this.#requireAppendable();
      const added = await this.pending.place(replacement.added);
      return replaceActions({ ...replacement, added }, this.nowMs());
    });
  }

  /**
   * Appends the entry that is decided on from the newest snapshot; after a version conflict, from the next snapshot.
   * @param decide Returns the actions, undefined to append nothing. Must not call methods of this table.
   * @returns The new version; undefined if nothing was appended.
   * @throws {HdfsError} When `ambiguous`, the entry may exist.
   */
  async append(
    scratch: string,
    decide: (snapshot: Snapshot) => Promise<readonly Action[] | undefined>,
  ): Promise<number | undefined> {
    return this.#mutex.run(async () => {
      for (;;) {
        await this.#log.refresh();
        const snapshot = await this.#log.snapshot();
        const actions = await decide(snapshot);
        if (actions === undefined) return undefined;
        const version = snapshot.version + 1;
        const isNewest = await this.#log.isNewest();
        if (isNewest && (await this.#writer.append(version, actions, scratch))) return version;
      }
    });
  }

  /**
   * Sets the `txn` versions that are lower or missing, as one entry without files. Idempotent.
   * @param versions The versions to reach, by application id.
   * @param info Fields of `commitInfo`, with its `operation`.
   * @throws {PipelineError} TABLE_REWRITTEN
   * @throws {HdfsError} When `ambiguous`, the entry may exist; calling again is safe.
   */
  async raiseVersions(
    versions: ReadonlyMap<string, bigint>,
    info: OperationInfo,
    scratch: string,
  ): Promise<void> {
    await this.append(scratch, async ({ txns }) => {
      const lower = [...versions].filter(([appId, to]) => (txns.get(appId) ?? -1n) < to);
      if (lower.length === 0) return undefined;
      await this.#requireAppendable();
      return versionsEntry(lower, info, this.nowMs());
    });
  }

  /**
   * Refreshes the log unless its known state says that the commit is due: on top of an old version, it fails by a version
   * conflict. A `restore` can set `txn` versions back, so what has landed by an old state may be due.
   */
  async #refreshFor(fences: readonly TransactionFence[]): Promise<SnapshotBuilder> {
    const known = await this.#log.known();
    return isDue(known.txns, fences) ? known : this.#log.refresh();
  }

  /**
   * A `txn` outlives its rows: after another program's RESTORE, removed rows still count as landed. So nothing is committed
   * after such a loss, and each entry of this program confirms all earlier ones; nor after rows were doubled, which a
   * RESTORE can undo only while nothing has landed since.
   */
  async #requireAppendable(): Promise<void> {
    requireTransactionsKept((await this.#log.known()).metadata);
    const damage = await this.#log.damage();
    if (damage === undefined) return;
    const { version, operation } = damage;
    const before = damage.kind === 'removed' ? 'still has them' : 'has them once';
    const what = `${describeDamage(damage)}; version ${version - 1} ${before}`;
    const where = `${this.path}: version ${version} (${operation})`;
    throw new PipelineError('TABLE_REWRITTEN', `${where}, by another program, ${what}`);
  }

  #columnsToAdd({ metadata }: SnapshotBuilder): AddedColumns | undefined {
    if (metadata === undefined || this.#required === undefined) return undefined;
    return addMissingColumns(this.path, metadata, this.#required);
  }
}
