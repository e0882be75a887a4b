import { z } from 'zod';
import type { Action, AddFile } from './actions.ts';

/** `engineInfo` of each commit of this program; Delta's writers name themselves there. */
export const ENGINE = 'assessment-pipeline';

/** A commit of another program that took rows out of a table, or put rows into it. */
export interface ForeignChange {
  readonly version: number;
  /** As the commit calls itself, for example `RESTORE`. */
  readonly operation: string;
  /** How many files it removed, or added. */
  readonly files: number;
}

/** Files that were replaced by others of the same rows, as by OPTIMIZE. */
interface Rewrite {
  readonly version: number;
  readonly operation: string;
  /** The rows of each replaced file; undefined where they are not known. */
  readonly inputs: Map<string, number | undefined>;
  /** The rows of each file that replaced them. */
  readonly outputs: ReadonlyMap<string, number | undefined>;
}

/** How a file that was removed left the table. */
type Removal =
  | { readonly isLoss: true; readonly version: number; readonly operation: string }
  | { readonly isLoss: false; readonly rewrite: Rewrite };

const Stats = z.object({ numRecords: z.int() });

/** How many rows a file has, as its log entry says; undefined where that does not say. */
export function rowsOf({ stats }: AddFile): number | undefined {
  const parsed = Stats.safeParse(typeof stats === 'string' ? JSON.parse(stats) : undefined);
  return parsed.success ? parsed.data.numRecords : undefined;
}

/** Whether an entry is a commit of this program, which never removes a file. */
export function isOwnEntry(actions: readonly Action[]): boolean {
  return (
    actions.some(({ commitInfo }) => commitInfo?.['engineInfo'] === ENGINE) &&
    actions.every(({ remove }) => !remove)
  );
}

/**
 * Follows a table's log to find whether other programs removed rows that it had. What counts is the state: a removed file
 * that is live again, for example after a second RESTORE, is not lost; nor is one that was rewritten, as long as the
 * files with its rows are live. A commit is judged by its actions, not by what it calls itself.
 */
export class RewriteWatch {
  readonly #removed = new Map<string, Removal>();
  /** For each file that replaced others, how it came about. */
  readonly #origins = new Map<string, Rewrite>();
  readonly #rewrites: Rewrite[] = [];
  /** Files of rows that another program added. */
  readonly #foreign = new Set<string>();
  readonly #additions: ForeignChange[] = [];

  /** The commits of other programs that added rows. */
  get additions(): readonly ForeignChange[] {
    return this.#additions;
  }

  /** Whether there are rewritten files whose rows are not known yet; see {@link learnRows}. */
  get lacksRows(): boolean {
    return this.#rewrites.some(({ inputs }) => [...inputs.values()].includes(undefined));
  }

  /**
   * Follows the next entry.
   * @param fileOf Gives a live file of the table before this entry, where it is known.
   */
  apply(
    version: number,
    actions: readonly Action[],
    fileOf: (path: string) => AddFile | undefined = () => undefined,
  ): void {
    if (isOwnEntry(actions)) return;
    const named = actions.find(({ commitInfo }) => commitInfo)?.commitInfo?.['operation'];
    const operation = typeof named === 'string' ? named : 'an operation without a name';
    const added = actions.flatMap(({ add }) => (add ? [add] : []));
    const removed = actions.flatMap(({ remove }) => (remove ? [remove] : []));
    this.#rewrite(version, operation, {
      inputs: new Map(
        removed
          .filter(({ dataChange }) => dataChange === false)
          .map(({ path }) => [path, rowsIn(fileOf(path))]),
      ),
      outputs: new Map(added.filter(({ dataChange }) => !dataChange).map((add) => [add.path, rowsOf(add)])),
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

  /** Learns the rows of files that were live before all that was applied. */
  learnRows(files: Iterable<AddFile>): void {
    const unknown = this.#rewrites.filter(({ inputs }) => [...inputs.values()].includes(undefined));
    for (const file of files)
      for (const { inputs } of unknown) if (inputs.has(file.path)) inputs.set(file.path, rowsOf(file));
  }

  /** The first commit whose removed rows are still missing. */
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
    const version = all.reduce((least, one) => Math.min(least, one.version), Infinity);
    const first = all.filter((one) => one.version === version);
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

  /** Whether the rows of a file are live: in itself, in those that replaced it, or in those that it replaced. */
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
  return file === undefined ? undefined : rowsOf(file);
}

function sumOf(rows: ReadonlyMap<string, number | undefined>): number | undefined {
  let sum = 0;
  for (const one of rows.values()) {
    if (one === undefined) return undefined;
    sum += one;
  }
  return sum;
}
