import type { Step } from './run.ts';

/** How often a step put something into quarantine for one reason. */
export interface ReasonCount {
  readonly step: Step;
  /** The field that is off, with `[]` for any place in a list; empty for the whole. */
  readonly path: string;
  readonly reason: string;
  readonly count: number;
}

/** The most frequent reasons. */
export interface ReasonCounts {
  readonly named: readonly ReasonCount[];
  /** How often for reasons that are not named. */
  readonly others: number;
}

/** A step's result names so many reasons, since each is kept in the run's history. */
export const MAX_REASONS_OF_STEP = 20;

/** A run's result names so many. */
export const MAX_REASONS_OF_RUN = 10;

/** A list index in a path; regular expressions here are used by JavaScript and DuckDB. */
export const LIST_INDEX_PATTERN = String.raw`\[\d+\]`;

/** The size in the reason of a record that is too large. */
export const SIZE_PATTERN = String.raw`^(has|makes a message of) \d+ bytes`;

/** Distinct reasons that are counted; unbounded otherwise, since a path can have a name from outside. */
const MAX_KINDS = 200;

const LIST_INDEX = new RegExp(LIST_INDEX_PATTERN, 'g');
const SIZE = new RegExp(SIZE_PATTERN);

/** Counts why things go into quarantine, in bounded memory. */
export class ReasonTally {
  readonly #counts = new Map<string, ReasonCount>();
  #others = 0;

  add(step: Step, { path, reason }: { readonly path: string; readonly reason: string }, count = 1): void {
    const kind = { step, path: pathKind(path), reason: reasonKind(reason) };
    const key = JSON.stringify(kind);
    const known = this.#counts.get(key);
    if (known === undefined && this.#counts.size >= MAX_KINDS) this.#others += count;
    else this.#counts.set(key, { ...kind, count: (known?.count ?? 0) + count });
  }

  addAll({ named, others }: ReasonCounts): void {
    for (const one of named) this.add(one.step, one, one.count);
    this.#others += others;
  }

  /** The most frequent ones, at most so many. */
  top(most: number): ReasonCounts {
    const sorted = [...this.#counts.values()].sort((a, b) => b.count - a.count);
    const rest = sorted.slice(most).reduce((sum, { count }) => sum + count, 0);
    return { named: sorted.slice(0, most), others: this.#others + rest };
  }
}

/** Reasons for people, a line each. */
export function reasonLines({ named, others }: ReasonCounts): string[] {
  return [
    ...named.map(({ count, step, path, reason }) => `${count} at ${step}: ${describe(path, reason)}`),
    ...(others === 0 ? [] : [`${others} for other reasons`]),
  ];
}

/** A path with its reason. */
export function describe(path: string, reason: string): string {
  return path === '' ? reason : `${path} ${reason}`;
}

function pathKind(path: string): string {
  return path.replaceAll(LIST_INDEX, '[]');
}

/** Records that are too large are counted together, whatever their size. */
function reasonKind(reason: string): string {
  return reason.replace(SIZE, '$1 … bytes');
}
