import { z } from 'zod';
import type { Action, AddFile } from './actions.ts';

/** The `engineInfo` of this program's commits. */
export const ENGINE = 'assessment-pipeline';

/** A commit of another program that removed or added rows. */
export interface ForeignChange {
  readonly version: number;
  /** `commitInfo.operation`, for example `RESTORE`. */
  readonly operation: string;
  /** The number of files removed or added. */
  readonly files: number;
}

/** A commit that replaced files by others with the same rows (dataChange=false), such as OPTIMIZE. */
interface Rewrite {
  readonly version: number;
  readonly operation: string;
  /** The row count of each replaced file; undefined if unknown. */
  readonly inputs: Map<string, number | undefined>;
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

/** Returns whether an entry is a commit of this program, which never removes a file. */
export function isOwnEntry(actions: readonly Action[]): boolean {
  return (
    actions.some(({ commitInfo }) => commitInfo?.['engineInfo'] === ENGINE) &&
    actions.every(({ remove }) => !remove)
  );
}

/**
 * Detects rows that other programs removed, from a table's log entries in order. Only the resulting state counts: a
 * removed file that is live again, for example after a second RESTORE, is not lost; nor is a rewritten file whose rows
 * are in live files. Commits are judged by their actions, not by their `operation`.
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

  /** Whether row counts of rewritten files are unknown; see {@link learnRows}. */
  get lacksRows(): boolean {
    return this.#rewrites.some(({ inputs }) => [...inputs.values()].includes(undefined));
  }

  /**
   * Processes the next entry. Not idempotent.
   * @param fileOf Returns a file that was live before this entry, if known.
   */
  apply(
    version: number,
    actions: readonly Action[],
    fileOf: (path: string) => AddFile | undefined = () => undefined,
  ): void {
    if (isOwnEntry(actions)) return;
    const name = actions.find(({ commitInfo }) => commitInfo)?.commitInfo?.['operation'];
    const operation = typeof name === 'string' ? name : 'an operation without a name';
    const added = actions.flatMap(({ add }) => (add ? [add] : []));
    const removed = actions.flatMap(({ remove }) => (remove ? [remove] : []));
    this.#rewrite(version, operation, {
      inputs: new Map(
        removed
          .filter(({ dataChange }) => dataChange === false)
          .map(({ path }) => [path, rowsIn(fileOf(path))]),
      ),
      outputs: new Map(
        added.filter(({ dataChange }) => !dataChange).map((add) => [add.path, rowCountOf(add)]),
      ),
    });
    for (const { path, dataChange } of removed) {
      if (dataChange !== false && !this.#foreign.has(path))
        this.#removed.set(path, { isLoss: true, version, operation });
    }
    const fresh = added.filter(({ path, dataChange }) => dataChange && !this.#removed.has(path));
    for (const { path } of fresh) this.#foreign.add(path);
    for (const { path } of added) this.#removed.delete(path);
    if (fresh.length > 0) this.#additions.push({ version, operation, files: fresh.length });
  }

  /** Supplies the row counts of files that were live before the first applied entry. Idempotent. */
  learnRows(files: Iterable<AddFile>): void {
    const unknown = this.#rewrites.filter(({ inputs }) => [...inputs.values()].includes(undefined));
    for (const file of files)
      for (const { inputs } of unknown) if (inputs.has(file.path)) inputs.set(file.path, rowCountOf(file));
  }

  /** Returns the first commit whose removed rows are still missing. */
  loss(): ForeignChange | undefined {
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
    const all = [...lost, ...short];
    const version = all.reduce((lowest, change) => Math.min(lowest, change.version), Infinity);
    const first = all.filter((change) => change.version === version);
    const operation = first[0]?.operation;
    return operation === undefined ? undefined : { version, operation, files: first.length };
  }

  #rewrite(version: number, operation: string, files: Pick<Rewrite, 'inputs' | 'outputs'>): void {
    if (files.inputs.size === 0) return;
    const rewrite = { version, operation, ...files };
    this.#rewrites.push(rewrite);
    for (const path of files.inputs.keys()) this.#removed.set(path, { isLoss: false, rewrite });
    for (const path of files.outputs.keys()) this.#origins.set(path, rewrite);
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

function rowsIn(file: AddFile | undefined): number | undefined {
  return file === undefined ? undefined : rowCountOf(file);
}

function sumOf(rows: ReadonlyMap<string, number | undefined>): number | undefined {
  let sum = 0;
  for (const count of rows.values()) {
    if (count === undefined) return undefined;
    sum += count;
  }
  return sum;
}
