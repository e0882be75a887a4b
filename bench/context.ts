import type { Stack } from '../services/stack.ts';
import type { Data } from './data.ts';
import type { Goal } from './figures.ts';
import type { Measured } from './measure.ts';
import type { Result } from './result-schema.ts';
import type { Topics } from './topics.ts';

/** Environment of a bench. */
export interface Context {
  readonly stack: Stack;
  readonly data: Data;
  readonly topics: Topics;
  /** Folder of temporary files; removed at the end. */
  readonly folder: string;
  /** Whether to use less data. */
  readonly quick: boolean;
  /** The number of simulated days of the bench month; its default if undefined. */
  readonly days?: number;
  /** Number of runs per side, in turns. */
  readonly rounds: number;
  readonly say: (line: string) => void;
}

/** A program that a bench needs and that not every machine has. */
export type Tool = 'curl' | 'jq' | 'kcat' | 'python3' | 'mvn';

/** One bench: what it compares, and how. */
export interface Bench {
  readonly name: string;
  readonly title: string;
  /** Description of the sides and of what is measured. */
  readonly about: string;
  readonly needs: readonly Tool[];
  /** Whether it runs only where it is named: it takes hours, or downloads what the project does not use. */
  readonly isOptional?: boolean;
  readonly run: (context: Context) => Promise<Found>;
}

/** Measurements of a side, per run. */
export interface Side {
  readonly name: string;
  readonly runs: readonly Measured[];
}

/** Results of a bench. */
export interface Found {
  readonly attempts: number;
  readonly bytes: number;
  readonly sides: readonly Side[];
  readonly goals: readonly Goal[];
  readonly table?: NonNullable<Result['table']>;
  /** Notes, a sentence each. */
  readonly notes: readonly string[];
}

/** Copies of the data in a bench of the usual size. */
export function copiesOf({ quick }: Context): number {
  return quick ? 10 : 50;
}

/** Runs the two sides in turns, so that other load on the machine affects both. */
export async function alternately<Ours, Peer>(
  { rounds, say }: Context,
  ours: () => Promise<Ours>,
  peer: () => Promise<Peer>,
  show: (run: Ours | Peer) => string,
): Promise<{ ours: Ours[]; peer: Peer[] }> {
  const runs = { ours: new Array<Ours>(), peer: new Array<Peer>() };
  for (let round = 0; round < rounds; round += 1) {
    const own = await ours();
    runs.ours.push(own);
    say(`  ours ${show(own)}`);
    const other = await peer();
    runs.peer.push(other);
    say(`  peer ${show(other)}`);
  }
  return runs;
}

/** Formats a measurement as one line. */
export function shown({ seconds, cpuSeconds, peakBytes }: Measured): string {
  const mebibytes = Math.round(peakBytes / 2 ** 20);
  return `${seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} CPU s, ${mebibytes} MiB`;
}

/** Returns the seconds of each run. */
export function secondsOf(runs: readonly Measured[]): number[] {
  return runs.map(({ seconds }) => seconds);
}

/** Returns the processor seconds of each run. */
export function cpuOf(runs: readonly Measured[]): number[] {
  return runs.map(({ cpuSeconds }) => cpuSeconds);
}
