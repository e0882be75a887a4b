import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { formatNumber } from '../../model/figures.ts';
import { secondsOf, shown, type Bench, type Context } from '../context.ts';
import { median } from '../figures.ts';
import { historyOf } from '../history.ts';
import { startWarm, type OurRun } from '../ours.ts';

const LOOK_MS = 500;

/** Measures ten times the usual size. */
export const largeBench: Bench = {
  name: 'large',
  title: 'Ten times as much',
  about:
    'Lands a topic of the usual size and one of ten times that size, each by a worker that is warm from a small run.',
  needs: [],
  run: async (context) => {
    const { rounds, quick, data, topics, say } = context;
    const [usual, more] = quick ? [5, 50] : [50, 500];
    const runs: LargeRun[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const run = await landCopies(context, usual);
      say(`  x${usual} ${shown(run)}`);
      runs.push(run);
    }
    const { attempts, bytes } = await data.file(more, 'lines');
    const big = await landCopies(context, more);
    say(`  x${more} ${shown(big)}`);
    await topics.remove(`bench-x${more}`);
    await data.remove(more, 'lines');
    const speed = (attempts / big.seconds / (usual * data.attempts)) * median(secondsOf(runs));
    const memory = big.peakBytes / median(runs.map(({ peakBytes }) => peakBytes));
    return {
      attempts,
      bytes,
      sides: [
        { name: 'a tenth of it', runs },
        { name: 'all of it', runs: [big] },
      ],
      goals: [
        {
          what: 'large: attempts a second / those of a tenth',
          value: speed,
          unit: 'times',
          sense: 'at least',
          bound: 0.9,
        },
        {
          what: 'large: memory / that of a tenth',
          value: memory,
          unit: 'times',
          sense: 'at most',
          bound: 1.1,
        },
        { what: 'large: memory', value: big.peakBytes / 2 ** 20, unit: 'MiB', sense: 'at most', bound: 700 },
        {
          what: 'large: on the worker’s disk',
          value: big.staged / 2 ** 20,
          unit: 'MiB',
          sense: 'at most',
          bound: null,
        },
      ],
      notes: [
        `The smaller side has ${formatNumber(usual * data.attempts)} attempts.`,
        `Events in Temporal’s history: ${big.histories.map(formatNumber).join(', ')}; of the smaller side: ${(runs[0]?.histories ?? []).map(formatNumber).join(', ')}.`,
      ],
    };
  },
};

interface LargeRun extends OurRun {
  /** Returns the maximum size of the staging folder, in bytes. */
  readonly staged: number;
  readonly histories: readonly number[];
}

async function landCopies({ stack, data, topics }: Context, copies: number): Promise<LargeRun> {
  const warm = await topics.filled(data, 1, 'bench-warm');
  const topic = await topics.filled(data, copies);
  const ours = await startWarm(stack, warm, { bench: { topic } });
  let staged = 0;
  const timer = setInterval(() => {
    staged = Math.max(staged, bytesIn(join(ours.pipeline.folder, 'staging-one')));
  }, LOOK_MS);
  try {
    const run = await ours.run('bench');
    const { lengths } = await historyOf(ours.pipeline, run.handle);
    return { ...run, staged, histories: lengths };
  } finally {
    clearInterval(timer);
    await ours.close();
  }
}

/** Files may disappear meanwhile. */
function bytesIn(folder: string): number {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries.reduce(
      (sum, entry) => sum + (entry.isFile() ? sizeOf(join(entry.parentPath, entry.name)) : 0),
      0,
    );
  } catch {
    return 0;
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
