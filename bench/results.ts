import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import type { Bench, Found, Side } from './context.ts';
import { median } from './figures.ts';
import type { ServerSeconds } from './measure.ts';
import { benchmarksPage } from './page.ts';
import { resultsSchema, type Result, type Results, type SideResult } from './result-schema.ts';

const ROOT = join(import.meta.dirname, '..');
const RESULTS = join(import.meta.dirname, 'results.json');
const PAGE = join(ROOT, 'docs/benchmarks.md');

/** Returns the result of a bench in the form that is stored. */
export function resultOf(bench: Bench, found: Found, data: Result['data']): Result {
  return {
    name: bench.name,
    title: bench.title,
    about: bench.about,
    on: new Date().toISOString().slice(0, 10),
    data,
    attempts: found.attempts,
    bytes: found.bytes,
    sides: found.sides.map(sideOf),
    goals: found.goals.map((goal) => ({ ...goal, value: rounded(goal.value) })),
    ...(found.table === undefined ? {} : { table: found.table }),
    notes: [...found.notes],
  };
}

function sideOf({ name, runs }: Side): SideResult {
  const servers = runs.flatMap((run) => (run.servers === null ? [] : [run.servers]));
  const server = (of: keyof ServerSeconds): number => rounded(median(servers.map((used) => used[of])));
  return {
    name,
    seconds: runs.map(({ seconds }) => rounded(seconds)),
    cpuSeconds: rounded(median(runs.map(({ cpuSeconds }) => cpuSeconds))),
    peakMebibytes: Math.round(median(runs.map(({ peakBytes }) => peakBytes)) / 2 ** 20),
    servers:
      servers.length === 0
        ? null
        : { kafka: server('kafka'), namenode: server('namenode'), datanode: server('datanode') },
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Reads the stored results; undefined where there are none yet. */
export function readResults(): Results | undefined {
  return existsSync(RESULTS) ? resultsSchema.parse(JSON.parse(readFileSync(RESULTS, 'utf8'))) : undefined;
}

/** Merges new results into the stored ones; discards the results of another machine. */
export function merged(kept: Results | undefined, fresh: Results): Results {
  const same = JSON.stringify(kept?.machine) === JSON.stringify(fresh.machine);
  const others = (same ? (kept?.benches ?? []) : []).filter(
    ({ name }) => !fresh.benches.some((bench) => bench.name === name),
  );
  return { ...fresh, benches: [...others, ...fresh.benches] };
}

/** Writes the results and the page generated from them. */
export async function writeResults(results: Results): Promise<void> {
  await writeFile(RESULTS, await formatted(JSON.stringify(results), 'json'));
  await writeFile(PAGE, await pageOf(results));
}

/** Returns the text of `docs/benchmarks.md`. */
export async function pageOf(results: Results): Promise<string> {
  return formatted(benchmarksPage(results), 'markdown');
}

async function formatted(text: string, parser: 'json' | 'markdown'): Promise<string> {
  return format(text, { ...(await resolveConfig(PAGE)), parser });
}
