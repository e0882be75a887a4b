import { PipelineError } from '../../model/errors.ts';
import type { Action, AddFile, Metadata, Protocol, RemovedFile, Transaction } from './actions.ts';
import { RewriteWatch, type Damage } from './rewrites.ts';
import { isForgotten, type LogReadOptions, type TransactionRetention } from './transaction-retention.ts';

/** The highest protocol versions that this program reads and writes. */
export const PROTOCOL = { minReaderVersion: 1, minWriterVersion: 2 } as const;

/** A table at one version, without its files. */
export interface TableHead {
  readonly version: number;
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  /** The version of each application's last transaction. */
  readonly txns: ReadonlyMap<string, bigint>;
}

/** A table at one version. */
export interface Snapshot extends TableHead {
  /** The live files, by path. */
  readonly files: ReadonlyMap<string, AddFile>;
  /** The times of {@link txns}, in milliseconds since 1970, as far as the log names them. */
  readonly updatedMs: ReadonlyMap<string, number>;
  /** The removed files (tombstones), by path, as far as the log still names them. */
  readonly removed: ReadonlyMap<string, RemovedFile>;
}

/** Builds snapshots by applying a checkpoint and the log entries after it, in order. */
export class SnapshotBuilder {
  #version: number;
  #protocol: Protocol | undefined;
  #metadata: Metadata | undefined;
  readonly #txns = new Map<string, bigint>();
  readonly #updatedMs = new Map<string, number>();
  readonly #retention: TransactionRetention | undefined;
  readonly #nowMs: () => number;
  readonly #files = new Map<string, AddFile>();
  readonly #removed = new Map<string, RemovedFile>();
  /** Whether the files of the checkpoint that it starts from are loaded. */
  #isComplete: boolean;
  readonly #table: string;
  #watch = new RewriteWatch();

  /**
   * @param table The table's path, for messages.
   * @param version The version to start after: the checkpoint's, or -1.
   */
  constructor(table: string, version = -1, { transactionRetention, nowMs = Date.now }: LogReadOptions = {}) {
    this.#table = table;
    this.#version = version;
    this.#isComplete = version < 0;
    this.#retention = transactionRetention;
    this.#nowMs = nowMs;
  }

  /** The last version applied; -1 for none. */
  get version(): number {
    return this.#version;
  }

  /** The table's schema; undefined if no `metaData` action was applied. */
  get metadata(): Metadata | undefined {
    return this.#metadata;
  }

  /** The version of each application's last transaction; a live view. */
  get txns(): ReadonlyMap<string, bigint> {
    return this.#txns;
  }

  /** Whether {@link damage} needs the checkpoint's files; see {@link loadBefore}. */
  get lacksFiles(): boolean {
    return this.#watch.lacksFiles;
  }

  /**
   * Applies all actions of the next version. Not idempotent.
   * @throws {PipelineError} TABLE_LOG_INVALID for an unsupported protocol version.
   */
  apply(actions: readonly Action[]): void {
    this.#watch.apply(this.#version + 1, actions, { files: this.#files, isComplete: this.#isComplete });
    this.load(actions);
    this.#version += 1;
  }

  /** Checks an entry for removed or doubled rows that the loaded checkpoint already includes. */
  watchBefore(version: number, actions: readonly Action[]): void {
    this.#watch.apply(version, actions);
  }

  /** Returns the first commit of another program that has to be undone, among the entries read. */
  damage(): Damage | undefined {
    return this.#watch.damage();
  }

  /**
   * Loads the actions of a checkpoint, which does not change the version.
   * @throws {PipelineError} TABLE_LOG_INVALID for an unsupported protocol version.
   */
  load(actions: readonly Action[]): void {
    for (const { protocol, metaData, txn, add, remove } of actions) {
      if (protocol) this.#protocol = this.#requireSupported(protocol);
      if (metaData) this.#metadata = metaData;
      if (txn) this.#setTransaction(txn);
      if (remove) {
        this.#files.delete(remove.path);
        this.#removed.set(remove.path, remove);
      }
      if (add) {
        this.#removed.delete(add.path);
        this.#files.set(add.path, add);
      }
    }
  }

  /** Loads the files of the checkpoint below the entries that are already applied. */
  loadBefore(actions: readonly Action[]): void {
    this.#watch.learnFiles(actions.flatMap(({ add }) => (add ? [add] : [])));
    this.#isComplete = true;
    const [added, removed] = [[...this.#files.values()], [...this.#removed.values()]];
    this.#files.clear();
    this.#removed.clear();
    this.load([...actions, ...removed.map((remove) => ({ remove })), ...added.map((add) => ({ add }))]);
  }

  #setTransaction(txn: Transaction): void {
    const { appId, version, lastUpdated } = txn;
    if (isForgotten(this.#retention, txn, this.#nowMs())) {
      this.#forget(appId);
      return;
    }
    this.#txns.set(appId, BigInt(version));
    if (lastUpdated === undefined || lastUpdated === null) this.#updatedMs.delete(appId);
    else this.#updatedMs.set(appId, lastUpdated);
  }

  #forget(appId: string): void {
    this.#txns.delete(appId);
    this.#updatedMs.delete(appId);
  }

  /**
   * Drops what a checkpoint at this version would not have: forgotten transactions, tombstones of files removed before a
   * time, and the rewrites seen so far. So the state of a process that runs for long is bounded.
   * @param removedSinceMs Milliseconds since 1970.
   */
  trim(removedSinceMs: number): void {
    this.#watch = new RewriteWatch();
    const nowMs = this.#nowMs();
    for (const [appId, lastUpdated] of this.#updatedMs)
      if (isForgotten(this.#retention, { appId, lastUpdated }, nowMs)) this.#forget(appId);
    for (const [path, { deletionTimestamp }] of this.#removed)
      if ((deletionTimestamp ?? 0) <= removedSinceMs) this.#removed.delete(path);
  }

  /** @throws {PipelineError} TABLE_LOG_INVALID when the log has no `protocol` or no `metaData` action. */
  snapshot(): Snapshot {
    return {
      ...this.head(),
      updatedMs: new Map(this.#updatedMs),
      files: new Map(this.#files),
      removed: new Map(this.#removed),
    };
  }

  /** @throws {PipelineError} TABLE_LOG_INVALID, as {@link snapshot} */
  head(): TableHead {
    if (this.#protocol === undefined || this.#metadata === undefined) {
      throw new PipelineError(
        'TABLE_LOG_INVALID',
        `the log of ${this.#table} has no protocol or no metaData`,
      );
    }
    return {
      version: this.#version,
      protocol: this.#protocol,
      metadata: this.#metadata,
      txns: new Map(this.#txns),
    };
  }

  #requireSupported(protocol: Protocol): Protocol {
    const { minReaderVersion: reader, minWriterVersion: writer } = protocol;
    if (reader <= PROTOCOL.minReaderVersion && writer <= PROTOCOL.minWriterVersion) return protocol;
    throw new PipelineError(
      'TABLE_LOG_INVALID',
      `${this.#table} requires reader version ${reader} and writer version ${writer}; ` +
        `only ${PROTOCOL.minReaderVersion} and ${PROTOCOL.minWriterVersion} are supported`,
    );
  }
}

/** One application's transaction in a commit: its `txn` version, if it has one, must be `from`, and is `to` afterwards. */
export interface TransactionFence {
  readonly appId: string;
  /** The required `txn` version; undefined if the application must have none. */
  readonly from: bigint | undefined;
  readonly to: bigint;
}

/**
 * Decides by the `txn` versions whether a commit is due (each at `from` or missing) or has landed (all at or past `to`).
 * @throws {PipelineError} OFFSETS_MOVED in any other case, naming the gap or the overlap.
 */
export function checkFences(
  table: string,
  txns: ReadonlyMap<string, bigint>,
  fences: readonly TransactionFence[],
): 'due' | 'landed' {
  const mismatch = mismatchedFence(txns, fences);
  if (mismatch === undefined) return fences.every((fence) => isPassed(txns, fence)) ? 'landed' : 'due';
  const { appId, from, to } = mismatch;
  const version = txns.get(appId) ?? 0n;
  const kind = version < (from ?? 0n) ? 'a gap' : 'an overlap';
  throw new PipelineError(
    'OFFSETS_MOVED',
    `${table}: ${appId} is at version ${version}, but the commit goes from ` +
      `${from ?? 'the beginning'} to ${to}, which would leave ${kind}`,
  );
}

/** Returns whether a commit is due by the `txn` versions, as {@link checkFences} decides. */
export function isDue(txns: ReadonlyMap<string, bigint>, fences: readonly TransactionFence[]): boolean {
  const isLanded = fences.every((fence) => isPassed(txns, fence));
  return mismatchedFence(txns, fences) === undefined && !isLanded;
}

/** Returns a fence by which a commit is neither due nor landed; undefined if it is one of both. */
function mismatchedFence(
  txns: ReadonlyMap<string, bigint>,
  fences: readonly TransactionFence[],
): TransactionFence | undefined {
  const passed = fences.filter((fence) => isPassed(txns, fence));
  if (passed.length === fences.length) return undefined;
  const moved = fences.find(({ appId, from }) => txns.has(appId) && txns.get(appId) !== from);
  return moved ?? passed[0];
}

function isPassed(txns: ReadonlyMap<string, bigint>, { appId, to }: TransactionFence): boolean {
  return (txns.get(appId) ?? -1n) >= to;
}
