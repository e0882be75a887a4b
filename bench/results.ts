import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { z } from 'zod';
import type { Bench, Found, Side } from './context.ts';
import { median } from './figures.ts';
import type { ServerSeconds } from './measure.ts';
import { benchmarksPage } from './page.ts';

const ROOT = join(import.meta.dirname, '..');
const RESULTS = join(import.meta.dirname, 'results.json');
const PAGE = join(ROOT, 'docs/benchmarks.md');

const sideSchema = z.strictObject({
  name: z.string(),
  /** Of each run, in their order. */
  seconds: z.array(z.number()),
  /** Medians, as all that follow. */
  cpuSeconds: z.number(),
  peakMebibytes: z.number(),
  /** Null where the sides cannot be told apart. */
  servers: z.strictObject({ kafka: z.number(), namenode: z.number(), datanode: z.number() }).nullable(),
});

const resultSchema = z.strictObject({
  name: z.string(),
  title: z.string(),
  about: z.string(),
  on: z.iso.date(),
  data: z.enum(['generated', 'given']),
  attempts: z.number(),
  bytes: z.number(),
  sides: z.array(sideSchema),
  goals: z.array(
    z.strictObject({
      what: z.string(),
      value: z.number(),
      unit: z.enum(['times', 'MiB']),
      sense: z.enum(['at least', 'at most']),
      bound: z.number().nullable(),
    }),
  ),
  notes: z.array(z.string()),
});

const resultsSchema = z.strictObject({
  machine: z.strictObject({ processor: z.string(), cores: z.number(), memoryGibibytes: z.number() }),
  versions: z.record(z.string(), z.string()),
  benches: z.array(resultSchema),
});

/** A side of a bench, as it is kept. */
export type SideResult = z.infer<typeof sideSchema>;
/** A bench's result, as it is kept. */
export type Result = z.infer<typeof resultSchema>;
/** All that `bench/results.json` holds; `docs/benchmarks.md` is made from it. */
export type Results = z.infer<typeof resultsSchema>;

/** What is kept of what a bench found. */
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

/** The results that are kept; undefined where there are none yet. */
export function readResults(): Results | undefined {
  return existsSync(RESULTS) ? resultsSchema.parse(JSON.parse(readFileSync(RESULTS, 'utf8'))) : undefined;
}

/** The kept results with new ones in the place of theirs. What another machine found is not kept beside them. */
export function merged(kept: Results | undefined, fresh: Results): Results {
  const same = JSON.stringify(kept?.machine) === JSON.stringify(fresh.machine);
  const others = (same ? (kept?.benches ?? []) : []).filter(
    ({ name }) => !fresh.benches.some((bench) => bench.name === name),
  );
  return { ...fresh, benches: [...others, ...fresh.benches] };
}

/** Writes the results, and the page that is made from them. */
export async function writeResults(results: Results): Promise<void> {
  await writeFile(RESULTS, await formatted(JSON.stringify(results), 'json'));
  await writeFile(PAGE, await pageOf(results));
}

/** The text of `docs/benchmarks.md`. */
export async function pageOf(results: Results): Promise<string> {
  return formatted(benchmarksPage(results), 'markdown');
}

async function formatted(text: string, parser: 'json' | 'markdown'): Promise<string> {
  return format(text, { ...(await resolveConfig(PAGE)), parser });
}
