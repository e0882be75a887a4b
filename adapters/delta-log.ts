import { PipelineError } from '../model/errors.ts';
import { parseActions, type Action } from './delta-actions.ts';
import { decodeCheckpoint, parseLastCheckpoint } from './delta-checkpoint.ts';
import { isOwnEntry, type ForeignChange } from './delta-rewrites.ts';
import { SnapshotBuilder, type Snapshot } from './delta-snapshot.ts';
import type { WebHdfs } from './webhdfs.ts';

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

  /** The log as it is now. */
  async refresh(): Promise<SnapshotBuilder> {
    this.#builder ??= await this.#begin();
    for (;;) {
      const file = this.entry(this.#builder.version + 1);
      const bytes = await this.#hdfs.readIfExists(file);
      if (bytes === undefined) return this.#builder;
      this.#builder.apply(parseActions(bytes.toString('utf8'), file));
    }
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
  async #foreignEntriesTo(version: number): Promise<{ version: number; actions: Action[] }[]> {
    const entries: { version: number; actions: Action[] }[] = [];
    for (let at = version; at >= 0; at -= 1) {
      const file = this.entry(at);
      const bytes = await this.#hdfs.readIfExists(file);
      // Other programs delete old entries.
      if (bytes === undefined) break;
      const actions = parseActions(bytes.toString('utf8'), file);
      if (isOwnEntry(actions)) break;
      entries.unshift({ version: at, actions });
    }
    return entries;
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
    if ((await this.#hdfs.status(this.folder)) === undefined) return undefined;
    const names = (await this.#hdfs.list(this.folder)).map(({ name }) => name);
    const newest = names.flatMap((name) => CHECKPOINT_NAME.exec(name)?.[1] ?? []).at(-1);
    const first = names.flatMap((name) => ENTRY_NAME.exec(name)?.[1] ?? []).at(0);
    if (newest !== undefined) return Number(newest);
    if (first === undefined || Number(first) === 0) return undefined;
    throw new PipelineError(
      'TABLE_LOG_INVALID',
      `${this.folder} begins at version ${Number(first)}, and no checkpoint that is known here says what came before`,
    );
  }
}
