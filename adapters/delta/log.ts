import { createHash } from 'node:crypto';
import { PipelineError } from '../../model/errors.ts';
import { formatActions, parseActions, type Action } from './actions.ts';
import { decodeCheckpoint, parseLastCheckpoint } from './checkpoint.ts';
import { isOwnEntry, type ForeignChange } from './rewrites.ts';
import { SnapshotBuilder, type Snapshot } from './snapshot.ts';
import type { WebHdfs } from '../hdfs/webhdfs.ts';

/** HDFS lists names in their order, so the versions ascend. */
export const ENTRY_NAME = /^(\d{20})\.json$/;
const CHECKPOINT_NAME = /^(\d{20})\.checkpoint\.parquet$/;

/** The folder of a table's log. */
export function logFolder(table: string): string {
  return `${table}/_delta_log`;
}

/** The path of an entry of a table's log. */
export function entryFile(table: string, version: number): string {
  return `${logFolder(table)}/${digitsOf(version)}.json`;
}

/** A version as the names of a log's files have it. */
function digitsOf(version: number): string {
  return String(version).padStart(20, '0');
}

/** An entry as it was read. */
interface Entry {
  readonly version: number;
  readonly actions: readonly Action[];
  /** Of its bytes. */
  readonly sha256: string;
}

/** The checkpoint that the reading of a log began at. */
interface Checkpoint {
  readonly bytes: Buffer;
  /** Its path, for messages. */
  readonly file: string;
}

/**
 * The log of a Delta table, as far as it has been read. Of a checkpoint, which names each live file, the files are read
 * when they are asked for: to say where the table stands takes as long with many of them as with few.
 * Not for two callers at once.
 */
export class DeltaLog {
  /** Its folder, absolute. */
  readonly folder: string;
  readonly #table: string;
  readonly #hdfs: WebHdfs;
  #builder: SnapshotBuilder | undefined;
  /** Whose files have not been read. */
  #checkpoint: Checkpoint | undefined;
  /** Of the entry that was read or appended last; undefined where reading began at a checkpoint whose entry is gone. */
  #lastSha256: string | undefined;

  /** @param table The table's folder, absolute. */
  constructor(table: string, hdfs: WebHdfs) {
    this.folder = logFolder(table);
    this.#table = table;
    this.#hdfs = hdfs;
  }

  /** Where the log names its newest checkpoint. */
  get pointer(): string {
    return `${this.folder}/_last_checkpoint`;
  }

  /** The path of an entry. */
  entry(version: number): string {
    return entryFile(this.#table, version);
  }

  /** The path of a checkpoint. */
  checkpoint(version: number): string {
    return `${this.folder}/${digitsOf(version)}.checkpoint.parquet`;
  }

  /** The log as it was read last. */
  async known(): Promise<SnapshotBuilder> {
    return this.#builder ?? this.refresh();
  }

  /**
   * The log as it is now.
   * @throws {PipelineError} TABLE_LOG_INVALID; TABLE_LOG_CHANGED when entries that were read before are gone.
   */
  async refresh(): Promise<SnapshotBuilder> {
    if (!(await this.isCurrent())) [this.#builder, this.#checkpoint] = [undefined, undefined];
    this.#builder ??= await this.#begin();
    for (;;) {
      const entry = await this.#readEntry(this.#builder.version + 1);
      if (entry === undefined) return this.#builder;
      this.#builder.apply(entry.actions);
      this.#lastSha256 = entry.sha256;
    }
  }

  /** Applies an entry that was written as the next version. */
  async append(actions: readonly Action[]): Promise<void> {
    const builder = await this.known();
    builder.apply(actions);
    this.#lastSha256 = sha256Of(Buffer.from(formatActions(actions)));
  }

  /**
   * Whether reading can continue after the last entry that is known. Other programs delete entries that a checkpoint
   * replaces; then it must begin there.
   * @throws {PipelineError} TABLE_LOG_CHANGED when that entry is gone or replaced, as in a folder that was set back to an
   * earlier state: an entry after the gap would be read by nobody.
   */
  async isCurrent(): Promise<boolean> {
    const version = this.#builder?.version ?? -1;
    if (version < 0) return true;
    const entry = await this.#hdfs.readIfExists(this.entry(version));
    if (entry !== undefined) {
      if (this.#lastSha256 === undefined || this.#lastSha256 === sha256Of(entry)) return true;
      throw this.#changed(version, 'is another one now');
    }
    const { newest = -1, last = -1 } = await this.#versions();
    if (newest >= version) return newest === version;
    throw this.#changed(
      version,
      `is gone: the log now ends at ${last < 0 ? 'no version' : `version ${last}`}`,
    );
  }

  /** The table with its files, as the log was read last. */
  async snapshot(): Promise<Snapshot> {
    const builder = await this.known();
    if (this.#checkpoint !== undefined) {
      const { bytes, file } = this.#checkpoint;
      builder.loadBefore(await decodeCheckpoint(bytes, file, 'files'));
      this.#checkpoint = undefined;
    }
    return builder.snapshot();
  }

  /** The first commit of another program whose removed rows are still missing, as the log was read last. */
  async loss(): Promise<ForeignChange | undefined> {
    const builder = await this.known();
    // How many rows a rewritten file had, only the checkpoint may say.
    if (builder.lacksRows && this.#checkpoint !== undefined) await this.snapshot();
    return builder.loss();
  }

  /** Where reading begins: at the newest checkpoint, or before the first entry. */
  async #begin(): Promise<SnapshotBuilder> {
    const version = (await this.#namedCheckpoint()) ?? (await this.#foundCheckpoint());
    if (version === undefined) return new SnapshotBuilder(this.#table);
    const file = this.checkpoint(version);
    const bytes = await this.#hdfs.read(file);
    const builder = new SnapshotBuilder(this.#table, version);
    builder.load(await decodeCheckpoint(bytes, file, 'head'));
    this.#checkpoint = { bytes, file };
    for (const entry of await this.#foreignEntriesTo(version))
      builder.watchBefore(entry.version, entry.actions);
    return builder;
  }

  /**
   * The entries up to a version that follow the last one of this program, which was committed only after all before it
   * had been read and found to be in order. Most checkpoints are of such an entry, so that one is read.
   */
  async #foreignEntriesTo(version: number): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (let at = version; at >= 0; at -= 1) {
      const entry = await this.#readEntry(at);
      if (at === version) this.#lastSha256 = entry?.sha256;
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

  /** The checkpoint that the pointer names, where it is there and of one part. */
  async #namedCheckpoint(): Promise<number | undefined> {
    const bytes = await this.#hdfs.readIfExists(this.pointer);
    if (bytes === undefined) return undefined;
    const { version, parts } = parseLastCheckpoint(bytes.toString('utf8'), this.pointer);
    if (parts) return undefined;
    return (await this.#hdfs.status(this.checkpoint(version))) === undefined ? undefined : version;
  }

  /**
   * The newest checkpoint that the log's folder has: the pointer may be lost, and other programs remove the
   * entries before a checkpoint. A log that seems to begin later than it did must not pass for an empty one.
   */
  async #foundCheckpoint(): Promise<number | undefined> {
    const { newest, first } = await this.#versions();
    if (newest !== undefined) return newest;
    if (first === undefined || first === 0) return undefined;
    throw new PipelineError(
      'TABLE_LOG_INVALID',
      `${this.folder} begins at version ${first}, and no checkpoint that is known here says what came before`,
    );
  }

  /** The newest checkpoint that the log's folder has, and its first and last entry. */
  async #versions(): Promise<Record<'newest' | 'first' | 'last', number | undefined>> {
    const isThere = (await this.#hdfs.status(this.folder)) !== undefined;
    const names = isThere ? (await this.#hdfs.list(this.folder)).map(({ name }) => name) : [];
    const versionsOf = (pattern: RegExp): number[] =>
      names.flatMap((name) => pattern.exec(name)?.[1] ?? []).map(Number);
    const entries = versionsOf(ENTRY_NAME);
    return { newest: versionsOf(CHECKPOINT_NAME).at(-1), first: entries.at(0), last: entries.at(-1) };
  }

  #changed(version: number, how: string): PipelineError {
    return new PipelineError(
      'TABLE_LOG_CHANGED',
      `${this.folder}: version ${version}, which was read or written before, ${how}`,
    );
  }
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
