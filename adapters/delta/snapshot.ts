import { PipelineError } from '../../model/errors.ts';
import type { Action, AddFile, Metadata, Protocol, RemovedFile } from './actions.ts';
import { RewriteWatch, type ForeignChange } from './rewrites.ts';

/** The newest of Delta's features that this program reads and writes. */
export const PROTOCOL = { minReaderVersion: 1, minWriterVersion: 2 } as const;

/** Where a table stands at one version, by its log. */
export interface TableHead {
  readonly version: number;
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  /** The version of each application's last transaction. */
  readonly txns: ReadonlyMap<string, bigint>;
}

/** A table as its log says it is at one version. */
export interface Snapshot extends TableHead {
  /** The live files, by path. */
  readonly files: ReadonlyMap<string, AddFile>;
  /** The files that are live no more, by path, as far as the log still names them. */
  readonly removed: ReadonlyMap<string, RemovedFile>;
}

/** Builds snapshots by applying log entries in order. */
export class SnapshotBuilder {
  #version: number;
  #protocol: Protocol | undefined;
  #metadata: Metadata | undefined;
  readonly #txns = new Map<string, bigint>();
  readonly #files = new Map<string, AddFile>();
  readonly #removed = new Map<string, RemovedFile>();
  readonly #table: string;
  readonly #watch = new RewriteWatch();

  /**
   * @param table The table's path, for messages.
   * @param version The version that the next {@link apply} makes, less one.
   */
  constructor(table: string, version = -1) {
    this.#table = table;
    this.#version = version;
  }

  /** The last version applied; -1 for none. */
  get version(): number {
    return this.#version;
  }

  /** The table's schema; undefined where the log has not told it. */
  get metadata(): Metadata | undefined {
    return this.#metadata;
  }

  /** The version of each application's last transaction, as it goes on. */
  get txns(): ReadonlyMap<string, bigint> {
    return this.#txns;
  }

  /** Whether {@link loss} can say more once the files of the checkpoint are loaded. */
  get lacksRows(): boolean {
    return this.#watch.lacksRows;
  }

  /** Applies all actions of the next version. */
  apply(actions: readonly Action[]): void {
    this.#watch.apply(this.#version + 1, actions, (path) => this.#files.get(path));
    this.load(actions);
    this.#version += 1;
  }

  /** Looks for lost rows in an entry that the checkpoint, at which the reading began, already has. */
  watchBefore(version: number, actions: readonly Action[]): void {
    this.#watch.apply(version, actions);
  }

  /** The first commit of another program whose removed rows are still missing, among the entries that were read. */
  loss(): ForeignChange | undefined {
    return this.#watch.loss();
  }

  /** Takes actions over as they stand, as those of a checkpoint. */
  load(actions: readonly Action[]): void {
    for (const { protocol, metaData, txn, add, remove } of actions) {
      if (protocol) this.#protocol = this.#requireKnown(protocol);
      if (metaData) this.#metadata = metaData;
      if (txn) this.#txns.set(txn.appId, BigInt(txn.version));
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

  /** Takes over files that stood before all that was loaded and applied, as those of a checkpoint that are read last. */
  loadBefore(actions: readonly Action[]): void {
    this.#watch.learnRows(actions.flatMap(({ add }) => (add ? [add] : [])));
    const [added, removed] = [[...this.#files.values()], [...this.#removed.values()]];
    this.#files.clear();
    this.#removed.clear();
    this.load([...actions, ...removed.map((remove) => ({ remove })), ...added.map((add) => ({ add }))]);
  }

  /** @throws {PipelineError} TABLE_LOG_INVALID when the log says nothing of protocol or schema. */
  snapshot(): Snapshot {
    return { ...this.head(), files: new Map(this.#files), removed: new Map(this.#removed) };
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

  #requireKnown(protocol: Protocol): Protocol {
    const { minReaderVersion: reader, minWriterVersion: writer } = protocol;
    if (reader <= PROTOCOL.minReaderVersion && writer <= PROTOCOL.minWriterVersion) return protocol;
    throw new PipelineError(
      'TABLE_LOG_INVALID',
      `${this.#table} asks for reader version ${reader} and writer version ${writer}, ` +
        `but only ${PROTOCOL.minReaderVersion} and ${PROTOCOL.minWriterVersion} are known here`,
    );
  }
}

/** One application's part of a commit: it must stand at `from`, and stands at `to` afterwards. */
export interface TransactionFence {
  readonly appId: string;
  /** Where it must stand; undefined means that it need not have begun. */
  readonly from: bigint | undefined;
  readonly to: bigint;
}

/**
 * Whether a commit is due: every fence stands where the commit begins. Or all stand where it ends, or past
 * it, so that it landed before.
 * @throws {PipelineError} OFFSETS_MOVED in any other case, naming the gap or the overlap.
 */
export function checkFences(
  table: string,
  txns: ReadonlyMap<string, bigint>,
  fences: readonly TransactionFence[],
): 'due' | 'landed' {
  const off = mismatchedFence(txns, fences);
  if (off === undefined) return fences.every((fence) => isPassed(txns, fence)) ? 'landed' : 'due';
  const { appId, from, to } = off;
  const at = txns.get(appId) ?? 0n;
  const kind = at < (from ?? 0n) ? 'a gap' : 'an overlap';
  throw new PipelineError(
    'OFFSETS_MOVED',
    `${table}: ${appId} stands at ${at}, but the commit goes from ` +
      `${from ?? 'the beginning'} to ${to}, which would leave ${kind}`,
  );
}

/** A fence that keeps a commit from being due, and from having landed; undefined where it is or has. */
export function mismatchedFence(
  txns: ReadonlyMap<string, bigint>,
  fences: readonly TransactionFence[],
): TransactionFence | undefined {
  const passed = fences.filter((fence) => isPassed(txns, fence));
  if (passed.length === fences.length) return undefined;
  const off = fences.find(({ appId, from }) => txns.has(appId) && txns.get(appId) !== from);
  return off ?? passed[0];
}

function isPassed(txns: ReadonlyMap<string, bigint>, { appId, to }: TransactionFence): boolean {
  return (txns.get(appId) ?? -1n) >= to;
}
