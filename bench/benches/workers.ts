import { alternately, copiesOf, secondsOf, shown, type Bench, type Context } from '../context.ts';
import { median, ratio } from '../figures.ts';
import { machine } from '../machine.ts';
import { startAllWarm, type OurRun } from '../ours.ts';

/** The usual size is four batches, only two for each of two workers. */
const TIMES = 4;

/** Measures two hosts for one run. */
export const workersBench: Bench = {
  name: 'workers',
  title: 'Two workers',
  about:
    'Lands a topic of four times the usual size by two workers with a staging folder each, and by one, on the same machine. Each worker has landed a small run before.',
  needs: [],
  run: async (context) => {
    const copies = TIMES * copiesOf(context);
    const { attempts, bytes } = await context.data.file(copies, 'lines');
    const { ours: two, peer: one } = await alternately(
      context,
      () => landBy(context, copies, ['one', 'two']),
      () => landBy(context, copies, ['one']),
      ({ run }) => shown(run),
    );
    await context.topics.remove(`bench-x${copies}`);
    await context.data.remove(copies, 'lines');
    const sides = [
      { name: 'two workers', runs: two.map(({ run }) => run) },
      { name: 'one worker', runs: one.map(({ run }) => run) },
    ];
    const value = ratio(secondsOf(one.map(({ run }) => run)), secondsOf(two.map(({ run }) => run)));
    const shares = two.map(({ batches }) => batches.join(' and ')).join('; ');
    return {
      attempts,
      bytes,
      sides,
      goals: [{ what: 'workers: one / two', value, unit: 'times', sense: 'at least', bound: 1 }],
      notes: [
        `Batches landed by each of the two, per run: ${shares}.`,
        `CPU utilization, servers included: two workers ${busy(two.map(({ run }) => run))}, one worker ${busy(one.map(({ run }) => run))}.`,
      ],
    };
  },
};

/** Returns the median share of the machine's processor time that runs used. */
function busy(runs: readonly OurRun[]): string {
  const shares = runs.map(({ seconds, cpuSeconds, servers }) => {
    const used = Object.values(servers ?? {}).reduce((sum, one) => sum + one, cpuSeconds);
    return used / (seconds * machine().cores);
  });
  return `${Math.round(100 * median(shares))} %`;
}

async function landBy(
  context: Context,
  copies: number,
  hosts: readonly string[],
): Promise<{ run: OurRun; batches: number[] }> {
  const topic = await context.topics.filled(context.data, copies);
  const ours = await startAllWarm(context, { bench: { topic } }, hosts);
  try {
    const run = await ours.run('bench');
    return { run, batches: [...(await ours.sharesOf(run)).values()] };
  } finally {
    await ours.close();
  }
}
