import type { Stack } from '../services/stack.ts';
import type { Data } from './data.ts';
import type { Goal } from './figures.ts';
import type { Measured } from './measure.ts';
import type { Topics } from './topics.ts';

/** What a bench works with. */
export interface Context {
  readonly stack: Stack;
  readonly data: Data;
  readonly topics: Topics;
  /** For files of the benches' own; removed at the end. */
  readonly folder: string;
  /** Whether it is to be over soon: less data. */
  readonly quick: boolean;
  /** How often each side runs, alternately. */
  readonly rounds: number;
  readonly say: (line: string) => void;
}

/** A program that a bench needs and that not every machine has. */
export type Tool = 'curl' | 'jq' | 'kcat' | 'python3' | 'mvn';

/** One bench: what it compares, and how. */
export interface Bench {
  readonly name: string;
  readonly title: string;
  /** What each side does, and what is counted. */
  readonly about: string;
  readonly needs: readonly Tool[];
  /** Whether it runs only where it is named: it fetches what the project does not use. */
  readonly isOptional?: boolean;
  readonly run: (context: Context) => Promise<Found>;
}

/** What a side took, run by run. */
export interface Side {
  readonly name: string;
  readonly runs: readonly Measured[];
}

/** What a bench found. */
export interface Found {
  readonly attempts: number;
  readonly bytes: number;
  readonly sides: readonly Side[];
  readonly goals: readonly Goal[];
  /** What else is worth knowing: a sentence each. */
  readonly notes: readonly string[];
}

/** How many copies of the data a bench of the usual size takes. */
export function copiesOf({ quick }: Context): number {
  return quick ? 10 : 50;
}

/** Runs one side and the other in turns, so that what else the machine does meets both. */
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

/** A measure in a line. */
export function shown({ seconds, cpuSeconds, peakBytes }: Measured): string {
  const mebibytes = Math.round(peakBytes / 2 ** 20);
  return `${seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} CPU s, ${mebibytes} MiB`;
}

/** The seconds of each run. */
export function secondsOf(runs: readonly Measured[]): number[] {
  return runs.map(({ seconds }) => seconds);
}

/** The processor seconds of each run. */
export function cpuOf(runs: readonly Measured[]): number[] {
  return runs.map(({ cpuSeconds }) => cpuSeconds);
}
