import type { Step } from './step.ts';

/** How often a step quarantined records for one reason. */
export interface ReasonCount {
  readonly step: Step;
  /** The invalid field, with `[]` for any array index; empty for the whole record. */
  readonly path: string;
  readonly reason: string;
  readonly count: number;
}

/** The most frequent reasons. */
export interface ReasonCounts {
  readonly named: readonly ReasonCount[];
  /** The number of records with other reasons. */
  readonly others: number;
}

/** The number of reasons in a step's result; each is kept in the run's history. */
export const MAX_REASONS_OF_STEP = 20;

/** The number of reasons in a run's result. */
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

  /** Counts records with one reason. */
  add(step: Step, { path, reason }: { readonly path: string; readonly reason: string }, count = 1): void {
    const kind = { step, path: pathKind(path), reason: reasonKind(reason) };
    const key = JSON.stringify(kind);
    const known = this.#counts.get(key);
    if (known === undefined && this.#counts.size >= MAX_KINDS) this.#others += count;
    else this.#counts.set(key, { ...kind, count: (known?.count ?? 0) + count });
  }

  /** Adds the result of another tally. */
  addAll({ named, others }: ReasonCounts): void {
    for (const one of named) this.add(one.step, one, one.count);
    this.#others += others;
  }

  /** Returns the most frequent reasons, at most `limit` of them. */
  top(limit: number): ReasonCounts {
    const sorted = [...this.#counts.values()].sort((a, b) => b.count - a.count);
    const rest = sorted.slice(limit).reduce((sum, { count }) => sum + count, 0);
    return { named: sorted.slice(0, limit), others: this.#others + rest };
  }
}

/** Formats reasons for people, one per line. */
export function reasonLines({ named, others }: ReasonCounts): string[] {
  return [
    ...named.map(({ count, step, path, reason }) => `${count} at ${step}: ${describe(path, reason)}`),
    ...(others === 0 ? [] : [`${others} for other reasons`]),
  ];
}

/** Formats a path with its reason. */
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
