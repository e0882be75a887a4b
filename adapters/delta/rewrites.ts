import { z } from 'zod';
import type { Action, AddFile } from './actions.ts';

/** The `engineInfo` of this program's commits. */
export const ENGINE = 'assessment-pipeline';

/** The live files before an entry, as far as they are known. */
export interface LiveFiles {
  readonly files: ReadonlyMap<string, AddFile>;
  /** Whether these are all; otherwise those of a checkpoint are missing. */
  readonly isComplete: boolean;
}

/** A commit of another program that removed or added rows. */
export interface ForeignChange {
  readonly version: number;
  /** `commitInfo.operation`, for example `RESTORE`. */
  readonly operation: string;
  /** The number of files removed, added, or rewritten a second time. */
  readonly files: number;
}

/** A commit of another program that has to be undone: it removed rows, or wrote rows a second time. */
export interface Damage extends ForeignChange {
  readonly kind: 'removed' | 'doubled';
}

/** A commit that replaced files by others with the same rows (dataChange=false), such as OPTIMIZE. */
interface Rewrite {
  readonly version: number;
  readonly operation: string;
  /** The row count of each replaced file; undefined if unknown. */
  readonly inputs: Map<string, number | undefined>;
  /** Replaced files that are either in a checkpoint whose files are not loaded yet, or were not live. */
  readonly unseen: Set<string>;
  /** Files that were not live, by the earlier rewrite that had replaced them; null if that one is not known. */
  readonly stale: Map<string, Rewrite | null>;
  /** The row count of each new file; undefined if unknown. */
  readonly outputs: ReadonlyMap<string, number | undefined>;
}

/** The commit that removed a file: with its rows, or as part of a rewrite. */
type Removal =
  | { readonly isLoss: true; readonly version: number; readonly operation: string }
  | { readonly isLoss: false; readonly rewrite: Rewrite };

const Stats = z.object({ numRecords: z.int() });

/** Returns a file's row count (`stats.numRecords`); undefined if its log entry has none. */
export function rowCountOf({ stats }: AddFile): number | undefined {
  const parsed = Stats.safeParse(typeof stats === 'string' ? JSON.parse(stats) : undefined);
  return parsed.success ? parsed.data.numRecords : undefined;
}

/** The operations of this program that replace rows on purpose: no earlier change is a loss after them. */
const BASELINES: ReadonlySet<unknown> = new Set(['REBUILD', 'RESTORE']);

/** The operations of this program whose entries may remove files, without a loss of rows. */
const OWN_REMOVALS: ReadonlySet<unknown> = new Set([...BASELINES, 'ERASE']);

/** Returns whether an entry is a commit of this program that loses no rows: it only adds files, or removes on purpose. */
export function isOwnEntry(actions: readonly Action[]): boolean {
  if (!actions.some(({ commitInfo }) => commitInfo?.['engineInfo'] === ENGINE)) return false;
  return isOwnOperation(actions, OWN_REMOVALS) || actions.every(({ remove }) => !remove);
}

/** Returns whether this program set the rows of the table by an entry, whatever they were before. */
function isBaseline(actions: readonly Action[]): boolean {
  return isOwnOperation(actions, BASELINES);
}

function isOwnOperation(actions: readonly Action[], operations: ReadonlySet<unknown>): boolean {
  return actions.some(
    ({ commitInfo }) => commitInfo?.['engineInfo'] === ENGINE && operations.has(commitInfo['operation']),
  );
}

/**
 * Detects rows that other programs removed or doubled, from a table's log entries in order. Only the resulting state
 * counts: a removed file that is live again, for example after a second RESTORE, is not lost; nor is a rewritten file
 * whose rows are in live files. Commits are judged by their actions, not by their `operation`.
 *
 * Rows are doubled by two rewrites of the same file. delta-rs 1.6 commits the second one, since it compares the files
 * that it removes with no commit that came first.
 */
export class RewriteWatch {
  readonly #removed = new Map<string, Removal>();
  /** The rewrite that produced a file, by path. */
  readonly #origins = new Map<string, Rewrite>();
  readonly #rewrites: Rewrite[] = [];
  /** The files with new rows that other programs added. */
  readonly #foreign = new Set<string>();
  readonly #additions: ForeignChange[] = [];

  /** The commits of other programs that added rows. */
  get additions(): readonly ForeignChange[] {
    return this.#additions;
  }

  /** Whether there are rewritten files that may be a checkpoint's; see {@link learnFiles}. */
  get lacksFiles(): boolean {
    return this.#rewrites.some(({ unseen }) => unseen.size > 0);
  }

  /**
   * Processes the next entry. Not idempotent.
   * @param live The files that were live before this entry; undefined if nothing is known of them.
   */
  apply(version: number, actions: readonly Action[], live?: LiveFiles): void {
    if (isBaseline(actions)) this.#forget();
    if (!isOwnEntry(actions)) this.#watch(version, actions, live);
  }

  #watch(version: number, actions: readonly Action[], live: LiveFiles | undefined): void {
    const name = actions.find(({ commitInfo }) => commitInfo)?.commitInfo?.['operation'];
    const operation = typeof name === 'string' ? name : 'an operation without a name';
    const added = actions.flatMap(({ add }) => (add ? [add] : []));
    const removed = actions.flatMap(({ remove }) => (remove ? [remove] : []));
    const outputs = new Map(
      added.filter(({ dataChange }) => !dataChange).map((add) => [add.path, rowCountOf(add)]),
    );
    const replaced = removed.filter(({ dataChange }) => dataChange === false).map(({ path }) => path);
    if (replaced.length > 0) this.#rewrite({ version, operation, outputs }, replaced, live);
    for (const { path, dataChange } of removed) {
      if (dataChange !== false && !this.#foreign.has(path))
        this.#removed.set(path, { isLoss: true, version, operation });
    }
    const fresh = added.filter(({ path, dataChange }) => dataChange && !this.#removed.has(path));
    for (const { path } of fresh) this.#foreign.add(path);
    for (const { path } of added) this.#removed.delete(path);
    if (fresh.length > 0) this.#additions.push({ version, operation, files: fresh.length });
  }

  /** Supplies the files that were live before the first applied entry. Idempotent. */
  learnFiles(files: Iterable<AddFile>): void {
    const unknown = this.#rewrites.filter(({ unseen }) => unseen.size > 0);
    for (const file of files)
      for (const { inputs, unseen } of unknown)
        if (unseen.delete(file.path)) inputs.set(file.path, rowCountOf(file));
    for (const { inputs, stale, unseen } of unknown) {
      for (const path of unseen) {
        inputs.delete(path);
        stale.set(path, null);
      }
      unseen.clear();
    }
  }

  /** Returns the first commit whose removed rows are still missing, or whose doubled rows are still there. */
  damage(): Damage | undefined {
    const all = [...this.#losses(), ...this.#doublings()];
    const version = all.reduce((lowest, change) => Math.min(lowest, change.version), Infinity);
    return all.find((change) => change.version === version);
  }

  #losses(): Damage[] {
    const lost = [...this.#removed].flatMap(([path, removal]) =>
      removal.isLoss && !this.#isKept(path, new Set()) ? [removal] : [],
    );
    const short = this.#rewrites.flatMap(({ version, operation, inputs, outputs }) => {
      const [before, after] = [sumOf(inputs), sumOf(outputs)];
      const isShort = before !== undefined && after !== undefined && after < before;
      return isShort && [...inputs.keys()].some((path) => this.#removed.has(path))
        ? [...inputs].map(() => ({ version, operation }))
        : [];
    });
    const counts = new Map<number, Damage>();
    for (const { version, operation } of [...lost, ...short]) {
      const files = (counts.get(version)?.files ?? 0) + 1;
      counts.set(version, { kind: 'removed', version, operation, files });
    }
    return [...counts.values()];
  }

  /** Drops all earlier changes, which no longer matter. */
  #forget(): void {
    for (const changes of [this.#removed, this.#origins, this.#foreign]) changes.clear();
    this.#rewrites.length = 0;
    this.#additions.length = 0;
  }

  #doublings(): Damage[] {
    return this.#rewrites.flatMap(({ version, operation, stale, outputs }) => {
      const isThere = [...outputs.keys()].some((path) => this.#isPresent(path));
      const doubled = [...stale.values()].filter(
        (first) => first === null || [...first.outputs.keys()].some((path) => this.#isPresent(path)),
      );
      return isThere && doubled.length > 0
        ? [{ kind: 'doubled', version, operation, files: doubled.length }]
        : [];
    });
  }

  #rewrite(
    commit: Pick<Rewrite, 'version' | 'operation' | 'outputs'>,
    paths: readonly string[],
    live: LiveFiles | undefined,
  ): void {
    const rewrite: Rewrite = { ...commit, inputs: new Map(), unseen: new Set(), stale: new Map() };
    this.#rewrites.push(rewrite);
    for (const path of paths) {
      const removal = this.#removed.get(path);
      if (removal?.isLoss === false) {
        rewrite.stale.set(path, removal.rewrite);
        continue;
      }
      const file = live?.files.get(path);
      if (removal === undefined && file === undefined && live !== undefined) {
        if (live.isComplete) {
          rewrite.stale.set(path, null);
          continue;
        }
        rewrite.unseen.add(path);
      }
      rewrite.inputs.set(path, file && rowCountOf(file));
      this.#removed.set(path, { isLoss: false, rewrite });
    }
    for (const path of commit.outputs.keys()) this.#origins.set(path, rewrite);
  }

  /** Returns whether a file, or one of those that it was rewritten to, is live. */
  #isPresent(path: string, seen = new Set<string>()): boolean {
    const removal = this.#removed.get(path);
    if (removal === undefined) return true;
    if (removal.isLoss || seen.has(path)) return false;
    seen.add(path);
    return [...removal.rewrite.outputs.keys()].some((other) => this.#isPresent(other, seen));
  }

  /** Returns whether a file's rows are live: in the file, in the files that replaced it, or in those it replaced. */
  #isKept(path: string, seen: Set<string>): boolean {
    const removal = this.#removed.get(path);
    if (removal === undefined || this.#foreign.has(path)) return true;
    if (seen.has(path)) return false;
    seen.add(path);
    const others = removal.isLoss ? this.#origins.get(path)?.inputs : removal.rewrite.outputs;
    return others !== undefined && [...others.keys()].every((other) => this.#isKept(other, seen));
  }
}

/** Says what a commit did, for example "removed rows of 2 files, which would not land again". */
export function describeDamage({ kind, files }: Damage): string {
  const named = files === 1 ? '1 file' : `${files} files`;
  return kind === 'removed'
    ? `removed rows of ${named}, which would not land again`
    : `rewrote ${named} that an earlier version had already rewritten, so that their rows are there twice`;
}

function sumOf(rows: ReadonlyMap<string, number | undefined>): number | undefined {
  let sum = 0;
  for (const count of rows.values()) {
    if (count === undefined) return undefined;
    sum += count;
  }
  return sum;
}
