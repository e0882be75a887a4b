import { createHash } from 'node:crypto';
import { PipelineError } from '../../model/errors.ts';
import { formatActions, parseActions, type Action } from './actions.ts';
import { decodeCheckpoint, parseLastCheckpoint } from './checkpoint.ts';
import { entryIdentity, listEntries, type EntryFile } from './log-files.ts';
import { CHECKPOINT_NAME, ENTRY_NAME, checkpointFile, entryFile, logFolder } from './log-paths.ts';
import { isOwnEntry, type Damage } from './rewrites.ts';
import { SnapshotBuilder, type Snapshot } from './snapshot.ts';
import type { LogReadOptions } from './transaction-retention.ts';
import { HdfsError, type WebHdfs } from '../hdfs/webhdfs.ts';

/** A log entry that was read. */
interface Entry {
  readonly version: number;
  readonly actions: readonly Action[];
  /** The SHA-256 of the entry's file, hexadecimal. */
  readonly sha256: string;
}

/** The last entry that was read or appended. */
interface LastEntry {
  readonly sha256: string;
  /** See {@link EntryFile}; undefined if not known, so that the contents are compared. */
  readonly identity?: string | undefined;
}

/** The checkpoint that the log was loaded from. */
interface Checkpoint {
  readonly bytes: Buffer;
  /** Its path, for messages. */
  readonly file: string;
}

/**
 * The log of a Delta table and the state read from it. A checkpoint's file list is read only by {@link snapshot} and
 * {@link damage}, so reading the version and the transactions takes the same time however many files the table has.
 *
 * Not safe for concurrent calls. Methods only read HDFS; they throw {@link HdfsError}, and TABLE_LOG_INVALID for a log
 * that cannot be parsed.
 */
export class DeltaLog {
  /** The log's folder, absolute. */
  readonly folder: string;
  readonly #table: string;
  readonly #hdfs: WebHdfs;
  readonly #options: LogReadOptions;
  #builder: SnapshotBuilder | undefined;
  /** The checkpoint whose files have not been read yet. */
  #checkpoint: Checkpoint | undefined;
  /** Undefined if the state is a checkpoint's whose entry was deleted. */
  #last: LastEntry | undefined;

  /**
   * @param table The table's folder, absolute.
   */
  constructor(table: string, hdfs: WebHdfs, options: LogReadOptions = {}) {
    this.folder = logFolder(table);
    this.#table = table;
    this.#hdfs = hdfs;
    this.#options = options;
  }

  /** The path of `_last_checkpoint`, which names the newest checkpoint. */
  get pointer(): string {
    return `${this.folder}/_last_checkpoint`;
  }

  /** Returns the path of an entry. */
  entry(version: number): string {
    return entryFile(this.#table, version);
  }

  /** Returns the path of a checkpoint. */
  checkpoint(version: number): string {
    return checkpointFile(this.#table, version);
  }

  /** Returns the state as of the last refresh or append; refreshes if there was none. */
  async known(): Promise<SnapshotBuilder> {
    return this.#builder ?? this.refresh();
  }

  /**
   * Reads the entries that were added since the last call and returns the state; its version is -1 for a missing table.
   * @throws {PipelineError} TABLE_LOG_INVALID; TABLE_LOG_CHANGED when entries that were read earlier are gone or
   * replaced.
   */
  async refresh(): Promise<SnapshotBuilder> {
    let files = await this.#newerEntries();
    if (files === undefined) {
      this.#checkpoint = undefined;
      this.#builder = await this.#loadCheckpoint();
      files = await listEntries(this.#hdfs, this.#table, this.#builder.version);
    }
    const builder = await this.known();
    for (const { version, identity } of files) {
      if (version <= builder.version) continue;
      const entry = version === builder.version + 1 ? await this.#readEntry(version) : undefined;
      if (entry === undefined) break;
      builder.apply(entry.actions);
      this.#last = { sha256: entry.sha256, identity };
    }
    return builder;
  }

  /** Applies an entry that this process has just written as the next version. Not idempotent; writes nothing. */
  async append(actions: readonly Action[]): Promise<void> {
    const builder = await this.known();
    builder.apply(actions);
    const sha256 = sha256Of(Buffer.from(formatActions(actions)));
    this.#last = { sha256, identity: await this.#entryIdentity(builder.version) };
  }

  /**
   * Returns whether the next entry can be written on top of the known state; false if there are newer entries, or a newer
   * checkpoint must be loaded, because other programs deleted the entries before it, or because the table was deleted and
   * created again.
   * @throws {PipelineError} TABLE_LOG_CHANGED when the last known entry is gone or replaced, as after the folder was
   * restored from a backup. No reader would see an entry written after the gap.
   */
  async isNewest(): Promise<boolean> {
    const version = this.#builder?.version ?? -1;
    const files = await this.#newerEntries();
    return files?.every((file) => file.version <= version) ?? false;
  }

  /**
   * Lists the entries from the last known one on; undefined if the state has to be loaded from a checkpoint.
   * @throws {PipelineError} TABLE_LOG_CHANGED
   */
  async #newerEntries(): Promise<readonly EntryFile[] | undefined> {
    const version = this.#builder?.version;
    if (version === undefined) return undefined;
    const files = await listEntries(this.#hdfs, this.#table, version);
    const [first] = files;
    if (version < 0) return first === undefined || first.version === 0 ? files : undefined;
    const change = await this.#changeOf(version, first?.version === version ? first.identity : undefined);
    if (change === undefined) return files;
    if (change === 'cleaned' || (await this.#isRecreated())) return undefined;
    throw new PipelineError(
      'TABLE_LOG_CHANGED',
      `${this.folder}: version ${version}, which was read or written earlier, ${change.how}`,
    );
  }

  /**
   * Returns how the last known entry changed: not at all, cleaned up after a later checkpoint, or against the rules.
   * @param identity Of the entry's file in HDFS; undefined if it is gone.
   */
  async #changeOf(
    version: number,
    identity: string | undefined,
  ): Promise<undefined | 'cleaned' | { readonly how: string }> {
    if (identity !== undefined && identity === this.#last?.identity) return undefined;
    const entry = await this.#hdfs.readIfExists(this.entry(version));
    if (entry !== undefined) {
      const sha256 = sha256Of(entry);
      if (this.#last !== undefined && this.#last.sha256 !== sha256)
        return { how: 'was replaced by another entry' };
      this.#last = { sha256, identity };
      return undefined;
    }
    const { newest = -1, last = -1 } = await this.#versions();
    if (newest >= version) return newest === version ? undefined : 'cleaned';
    return { how: `is gone: the log now ends at ${last < 0 ? 'no version' : `version ${last}`}` };
  }

  /**
   * Returns whether the log is that of another table, with transactions of the same applications, so that nothing can be
   * committed to it by mistake: each commit is compared with them.
   */
  async #isRecreated(): Promise<boolean> {
    const known = this.#builder;
    const { metadata, txns } = await new DeltaLog(this.#table, this.#hdfs).refresh();
    if (known === undefined || metadata === undefined || metadata.id === known.metadata?.id) return false;
    return [...known.txns.keys()].every((appId) => txns.has(appId));
  }

  /** Returns the known state with its files. */
  async snapshot(): Promise<Snapshot> {
    const builder = await this.known();
    if (this.#checkpoint !== undefined) {
      const { bytes, file } = this.#checkpoint;
      builder.loadBefore(await decodeCheckpoint(bytes, file, 'files'));
      this.#checkpoint = undefined;
    }
    return builder.snapshot();
  }

  /**
   * Drops the part of the known state that a checkpoint at this version does not have; see
   * {@link SnapshotBuilder.trim}. Only after {@link damage} found none.
   */
  async trim(removedSinceMs: number): Promise<void> {
    (await this.known()).trim(removedSinceMs);
  }

  /** Returns the first commit of another program that has to be undone, as of the known state. */
  async damage(): Promise<Damage | undefined> {
    const builder = await this.known();
    // The rewritten files may only be in the checkpoint.
    if (builder.lacksFiles && this.#checkpoint !== undefined) await this.snapshot();
    return builder.damage();
  }

  /** Returns the state at the newest checkpoint, or an empty one if there is no checkpoint. */
  async #loadCheckpoint(): Promise<SnapshotBuilder> {
    const version = (await this.#pointedCheckpoint()) ?? (await this.#foundCheckpoint());
    if (version === undefined) return new SnapshotBuilder(this.#table, -1, this.#options);
    const file = this.checkpoint(version);
    const bytes = await this.#hdfs.read(file);
    const builder = new SnapshotBuilder(this.#table, version, this.#options);
    builder.load(await decodeCheckpoint(bytes, file, 'head'));
    this.#checkpoint = { bytes, file };
    for (const entry of await this.#foreignEntriesTo(version))
      builder.watchBefore(entry.version, entry.actions);
    return builder;
  }

  /**
   * Returns the entries of other programs between this program's last entry and a version. This program commits only
   * after it has checked all earlier entries. Usually the checkpoint is of its own entry, so that one entry is read.
   */
  async #foreignEntriesTo(version: number): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (let previous = version; previous >= 0; previous -= 1) {
      const entry = await this.#readEntry(previous);
      if (previous === version) this.#last = entry && { sha256: entry.sha256 };
      // Other programs delete old entries.
      if (entry === undefined || isOwnEntry(entry.actions)) break;
      entries.unshift(entry);
    }
    return entries;
  }

  async #readEntry(version: number): Promise<Entry | undefined> {
    const file = this.entry(version);
    const bytes = await this.#hdfs.readIfExists(file);
    if (bytes === undefined) return undefined;
    return { version, actions: parseActions(bytes.toString('utf8'), file), sha256: sha256Of(bytes) };
  }

  /** Returns the version in `_last_checkpoint`, if that checkpoint exists and has a single part. */
  async #pointedCheckpoint(): Promise<number | undefined> {
    const bytes = await this.#hdfs.readIfExists(this.pointer);
    if (bytes === undefined) return undefined;
    const { version, parts } = parseLastCheckpoint(bytes.toString('utf8'), this.pointer);
    if (parts) return undefined;
    return (await this.#hdfs.status(this.checkpoint(version))) === undefined ? undefined : version;
  }

  /**
   * Finds the newest checkpoint by listing the folder, in case `_last_checkpoint` is missing.
   * @throws {PipelineError} TABLE_LOG_INVALID when the first entry is not version 0 and no checkpoint is found: such a
   * log must not be read as empty.
   */
  async #foundCheckpoint(): Promise<number | undefined> {
    const { newest, first } = await this.#versions();
    if (newest !== undefined) return newest;
    if (first === undefined || first === 0) return undefined;
    throw new PipelineError(
      'TABLE_LOG_INVALID',
      `${this.folder} begins at version ${first}, and has no checkpoint of a supported kind for earlier versions`,
    );
  }

  /** Returns the identity of an entry; undefined if HDFS does not answer, since the entry is written all the same. */
  async #entryIdentity(version: number): Promise<string | undefined> {
    try {
      const status = await this.#hdfs.status(this.entry(version));
      return status && entryIdentity(status);
    } catch (error) {
      if (error instanceof HdfsError) return undefined;
      throw error;
    }
  }

  /** Lists the log's folder: the versions of the newest checkpoint and of the first and the last entry. */
  async #versions(): Promise<Record<'newest' | 'first' | 'last', number | undefined>> {
    const names = (await this.#hdfs.listIfExists(this.folder)).map(({ name }) => name);
    const versionsOf = (pattern: RegExp): number[] =>
      names.flatMap((name) => pattern.exec(name)?.[1] ?? []).map(Number);
    const entries = versionsOf(ENTRY_NAME);
    return { newest: versionsOf(CHECKPOINT_NAME).at(-1), first: entries.at(0), last: entries.at(-1) };
  }
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
