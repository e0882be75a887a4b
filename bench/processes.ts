import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Linux counts a process's time in these. */
const TICKS_PER_SECOND = 100;
const SAMPLE_MS = 100;

/** The processor time that a process has had, in seconds; undefined when it is gone. */
export function cpuSeconds(pid: number): number | undefined {
  const stat = readProc(`${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name of the program, in parentheses, can hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The most memory that a process has had, in bytes; undefined when it is gone. */
export function peakBytes(pid: number): number | undefined {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(readProc(`${pid}/status`) ?? '')?.[1];
  return found === undefined ? undefined : Number(found) * 1024;
}

/** Has the most memory of a process counted from now on. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** A process and all that it started, as far as they run. */
function treeOf(pid: number): number[] {
  const threads = listProc(`${pid}/task`);
  const children = threads.flatMap((thread) =>
    (readProc(`${pid}/task/${thread}/children`) ?? '')
      .split(' ')
      .filter((child) => child !== '')
      .map(Number),
  );
  return [pid, ...children.flatMap(treeOf)];
}

/**
 * Watches a process and all that it starts, until they end. What one of them uses in the last tenth of a second
 * before its end is not seen.
 */
export class TreeMeter {
  readonly #root: number;
  readonly #timer: NodeJS.Timeout;
  readonly #cpu = new Map<number, number>();
  readonly #peaks = new Map<number, number>();
  readonly #samples: { readonly atMs: number; readonly cpu: number; readonly peakBytes: number }[] = [];

  constructor(root: number) {
    this.#root = root;
    this.#timer = setInterval(() => {
      this.#sample();
    }, SAMPLE_MS);
    this.#sample();
  }

  /** Watches no longer. */
  stop(): void {
    clearInterval(this.#timer);
    this.#sample();
  }

  /** The processor time of all of them, in seconds. */
  get cpu(): number {
    return sum(this.#cpu.values());
  }

  /** The sum of the most memory that each has had, in bytes. */
  get peakBytes(): number {
    return sum(this.#peaks.values());
  }

  /** The processor time between two times of `performance.now()`, in seconds. */
  cpuBetween(fromMs: number, toMs: number): number {
    return this.#cpuAt(toMs) - this.#cpuAt(fromMs);
  }

  /** As {@link peakBytes}, up to a time of `performance.now()`. */
  peakBytesUntil(toMs: number): number {
    const until = this.#samples.filter(({ atMs }) => atMs <= toMs);
    return Math.max(...until.map((sample) => sample.peakBytes));
  }

  #cpuAt(atMs: number): number {
    const after = this.#samples.findIndex((sample) => sample.atMs >= atMs);
    const next = this.#samples[after];
    const previous = this.#samples[after - 1];
    if (next === undefined) return this.cpu;
    if (previous === undefined) return next.cpu;
    const share = (atMs - previous.atMs) / (next.atMs - previous.atMs);
    return previous.cpu + share * (next.cpu - previous.cpu);
  }

  #sample(): void {
    for (const pid of treeOf(this.#root)) {
      const [cpu, peak] = [cpuSeconds(pid), peakBytes(pid)];
      if (cpu !== undefined) this.#cpu.set(pid, cpu);
      if (peak !== undefined) this.#peaks.set(pid, peak);
    }
    this.#samples.push({ atMs: performance.now(), cpu: this.cpu, peakBytes: this.peakBytes });
  }
}

function sum(values: Iterable<number>): number {
  return [...values].reduce((total, value) => total + value, 0);
}

/** A process can end between any two looks at it. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return undefined;
  }
}

function listProc(path: string): string[] {
  try {
    return readdirSync(`/proc/${path}`);
  } catch {
    return [];
  }
}
