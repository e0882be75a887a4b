import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Linux counts a process's time in these units. */
const TICKS_PER_SECOND = 100;
const SAMPLE_MS = 100;

/** Returns the processor seconds of a process; undefined when it is gone. */
export function cpuSeconds(pid: number): number | undefined {
  const stat = readProc(`${pid}/stat`);
  if (stat === undefined) return undefined;
  // The program's name, in parentheses, can contain any character.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Returns the peak memory of a process, in bytes; undefined when it is gone. */
export function peakBytes(pid: number): number | undefined {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(readProc(`${pid}/status`) ?? '')?.[1];
  return found === undefined ? undefined : Number(found) * 1024;
}

/** Resets the peak memory of a process. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Returns the running processes among a process and its descendants. */
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
 * Measures a process and its descendants until they end. Resources used in the last tenth of a second before an exit
 * are not measured.
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

  /** Stops measuring. */
  stop(): void {
    clearInterval(this.#timer);
    this.#sample();
  }

  /** Returns the total processor time, in seconds. */
  get cpu(): number {
    return sum(this.#cpu.values());
  }

  /** Returns the sum of the processes' peak memory, in bytes. */
  get peakBytes(): number {
    return sum(this.#peaks.values());
  }

  /** Returns the processor seconds between two times of `performance.now()`. */
  cpuBetween(fromMs: number, toMs: number): number {
    return this.#cpuAt(toMs) - this.#cpuAt(fromMs);
  }

  /** Does the same as {@link peakBytes}, up to a time of `performance.now()`. */
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

/** A process can end between any two reads. */
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
