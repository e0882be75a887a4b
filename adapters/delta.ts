import { randomUUID } from 'node:crypto';
import { PipelineError, messageOf } from '../model/errors.ts';
import {
  formatActions,
  parseActions,
  requireColumns,
  type Action,
  type AddFile,
  type Metadata,
} from './delta-actions.ts';
import {
  checkpointActions,
  decodeCheckpoint,
  encodeCheckpoint,
  parseLastCheckpoint,
} from './delta-checkpoint.ts';
import { PROTOCOL, SnapshotBuilder, fenceOff, judge, type Fence, type Snapshot } from './delta-snapshot.ts';
import { gone, isGone, storeBytes, storeFile, type StoredFile } from './hdfs-store.ts';
import type { Logger } from './log.ts';
import { Turns } from './turns.ts';
import { HdfsError, type WebHdfs } from './webhdfs.ts';

/** What a commit adds to a table. */
export interface Commit {
  /** All of them must stand at their beginning, else the commit is not made. */
  readonly fences: readonly Fence[];
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

/** HDFS lists names in their order, so the versions ascend. */
const ENTRY_NAME = /^(\d{20})\.json$/;
const CHECKPOINT_NAME = /^(\d{20})\.checkpoint\.parquet$/;

/**
 * A Delta table in HDFS. Its log is the one truth: an entry is written under a temporary name and renamed
 * to the next number, which exactly one writer wins. The loser reads what won and judges again.
 */
export class DeltaTable {
  /** The table's folder, absolute. */
  readonly path: string;
  readonly #options: DeltaOptions;
  readonly #madeFolders = new Set<string>();
  #builder: SnapshotBuilder | undefined;
  /** What the table must have for what is committed to it. */
  #required: Metadata | undefined;
  /** One reading or committing at a time, since they share the builder. */
  readonly #turns = new Turns();

  constructor(path: string, options: DeltaOptions) {
    this.path = path;
    this.#options = options;
  }

  /** The table as it is now; undefined when there is none. */
  async snapshot(): Promise<Snapshot | undefined> {
    return this.#turns.take(async () => {
      const builder = await this.#refresh();
      return builder.version < 0 ? undefined : builder.snapshot();
    });
  }

  /**
   * Makes the table where there is none. Several may try at once; one wins. Each commit from then on needs its columns.
   * @throws {PipelineError} TABLE_OTHER_COLUMNS when there is one that lacks a column.
   */
  async ensure(metadata: Metadata, scratch: string): Promise<void> {
    await this.#turns.take(async () => {
      this.#required = metadata;
      let builder = await this.#known();
      // Another writer won the first entry, or the answer was lost before it was made: the log itself says which.
      while (builder.version < 0) {
        await this.#writeEntry(
          0,
          [
            { commitInfo: { operation: 'CREATE TABLE', timestamp: Date.now() } },
            { protocol: { ...PROTOCOL } },
            { metaData: metadata },
          ],
          scratch,
        );
        builder = await this.#refresh();
      }
      this.#requireColumns(builder);
    });
  }

  /**
   * Uploads a file into the table's folder. It is no part of the table until a commit adds it.
   * @param nameOf Gives its path from the SHA-256 of its bytes; that path and the answer's are relative to
   * the table's folder.
   */
  async store(localFile: string, nameOf: (sha256: string) => string, scratch: string): Promise<StoredFile> {
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
  async sweep(scratch: string): Promise<void> {
    await this.#options.hdfs.delete(this.#scratchFolder(scratch), { recursive: true });
  }

  /**
   * Whether a commit of these fences has landed; undefined when it is due, by the log as it is known.
   * @throws {PipelineError} OFFSETS_MOVED when a fence stands elsewhere.
   */
  async landed(fences: readonly Fence[]): Promise<CommitOutcome | undefined> {
    return this.#turns.take(async () => {
      const { version, txns } = (await this.#logFor(fences)).snapshot();
      return judge(this.path, txns, fences) === 'due' ? undefined : { outcome: 'landed-before', version };
    });
  }

  /**
   * Adds to the table, once: any number of tries by any number of writers make one entry.
   * @throws {PipelineError} OFFSETS_MOVED when a fence stands elsewhere; TABLE_OTHER_COLUMNS; TABLE_LOG_INVALID; an
   * error of HDFS.
   */
  async commit(commit: Commit): Promise<CommitOutcome> {
    return this.#turns.take(async () => {
      for (;;) {
        const builder = await this.#logFor(commit.fences);
        const { version, txns } = builder.snapshot();
        if (judge(this.path, txns, commit.fences) === 'landed') return { outcome: 'landed-before', version };
        this.#requireColumns(builder);
        const actions = entryOf(commit, txns);
        if (await this.#writeEntry(version + 1, actions, commit.scratch)) {
          builder.apply(actions);
          await this.#checkpoint(builder.snapshot(), commit.scratch);
          return { outcome: 'committed', version: version + 1 };
        }
        // Who knows the log as it was is refused its next number, and only then has to read on.
        await this.#refresh();
      }
    });
  }

  /**
   * The log, read as far as the fences need: as it is known, where by that they have landed or are due. It only goes
   * on, so that what has landed has; and a commit that is not due any more is refused its number.
   */
  async #logFor(fences: readonly Fence[]): Promise<SnapshotBuilder> {
    const known = await this.#known();
    return fenceOff(known.txns, fences) === undefined ? known : this.#refresh();
  }

  #requireColumns({ metadata }: SnapshotBuilder): void {
    if (metadata !== undefined && this.#required !== undefined)
      requireColumns(this.path, metadata, this.#required);
  }

  /** The log as it was read last. */
  async #known(): Promise<SnapshotBuilder> {
    return this.#builder ?? this.#refresh();
  }

  async #refresh(): Promise<SnapshotBuilder> {
    this.#builder ??= await this.#begin();
    for (;;) {
      const file = this.#entry(this.#builder.version + 1);
      const bytes = await this.#options.hdfs.readIfExists(file);
      if (bytes === undefined) return this.#builder;
      this.#builder.apply(parseActions(bytes.toString('utf8'), file));
    }
  }

  /** Where reading begins: at the newest checkpoint, or before the first entry. */
  async #begin(): Promise<SnapshotBuilder> {
    const version = (await this.#namedCheckpoint()) ?? (await this.#foundCheckpoint());
    if (version === undefined) return new SnapshotBuilder(this.path);
    const file = this.#checkpointFile(version);
    const builder = new SnapshotBuilder(this.path, version);
    builder.load(await decodeCheckpoint(await this.#options.hdfs.read(file), file));
    return builder;
  }

  /** The checkpoint that the pointer names, where it is there and of one part. */
  async #namedCheckpoint(): Promise<number | undefined> {
    const { hdfs } = this.#options;
    const pointer = `${this.#log}/_last_checkpoint`;
    const bytes = await hdfs.readIfExists(pointer);
    if (bytes === undefined) return undefined;
    const { version, parts } = parseLastCheckpoint(bytes.toString('utf8'), pointer);
    if (parts) return undefined;
    return (await hdfs.status(this.#checkpointFile(version))) === undefined ? undefined : version;
  }

  /**
   * The newest checkpoint that the log's folder has: the pointer may be lost, and other programs remove the
   * entries before a checkpoint. A log that seems to begin later than it did must not pass for an empty one.
   */
  async #foundCheckpoint(): Promise<number | undefined> {
    const { hdfs } = this.#options;
    if ((await hdfs.status(this.#log)) === undefined) return undefined;
    const names = (await hdfs.list(this.#log)).map(({ name }) => name);
    const newest = names.flatMap((name) => CHECKPOINT_NAME.exec(name)?.[1] ?? []).at(-1);
    const first = names.flatMap((name) => ENTRY_NAME.exec(name)?.[1] ?? []).at(0);
    if (newest !== undefined) return Number(newest);
    if (first === undefined || Number(first) === 0) return undefined;
    throw new PipelineError(
      'TABLE_LOG_INVALID',
      `${this.#log} begins at version ${Number(first)}, and no checkpoint that is known here says what came before`,
    );
  }

  /** @returns Whether this writer won the version. */
  async #writeEntry(version: number, actions: readonly Action[], scratch: string): Promise<boolean> {
    const { hdfs } = this.#options;
    const temporary = this.#temporary(scratch);
    await storeBytes(hdfs, Buffer.from(formatActions(actions)), temporary);
    if (version === 0) await hdfs.makeFolder(this.#log);
    try {
      await hdfs.rename(temporary, this.#entry(version));
      return true;
    } catch (error) {
      if (!(error instanceof HdfsError)) throw error;
      if (isGone(error)) throw gone(temporary, error);
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
    const found = await this.#options.hdfs.readIfExists(this.#entry(version));
    return found?.equals(Buffer.from(formatActions(actions))) ?? false;
  }

  /** A checkpoint that fails harms nothing, since the entries say the same; so the commit still stands. */
  async #checkpoint(snapshot: Snapshot, scratch: string): Promise<void> {
    const { hdfs, checkpointInterval, logger } = this.#options;
    const { version } = snapshot;
    if (version === 0 || version % checkpointInterval !== 0) return;
    try {
      const actions = checkpointActions(snapshot, Date.now());
      const checkpoint = this.#temporary(scratch);
      await storeBytes(hdfs, await encodeCheckpoint(actions), checkpoint);
      await hdfs.rename(checkpoint, this.#checkpointFile(version));
      const pointer = this.#temporary(scratch);
      await storeBytes(hdfs, Buffer.from(JSON.stringify({ version, size: actions.length })), pointer);
      await hdfs.replace(pointer, `${this.#log}/_last_checkpoint`);
    } catch (error) {
      logger.warn({ table: this.path, version, error: messageOf(error) }, 'the checkpoint was not written');
    }
  }

  #entry(version: number): string {
    return `${this.#log}/${String(version).padStart(20, '0')}.json`;
  }

  #checkpointFile(version: number): string {
    return `${this.#log}/${String(version).padStart(20, '0')}.checkpoint.parquet`;
  }

  get #log(): string {
    return `${this.path}/_delta_log`;
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
    { commitInfo: { timestamp: Date.now(), operation: 'WRITE', commitId: randomUUID(), ...commit.info } },
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
