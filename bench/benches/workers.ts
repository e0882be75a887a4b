import { alternately, copiesOf, secondsOf, shown, type Bench, type Context } from '../context.ts';
import { ratio } from '../figures.ts';
import { historyOf } from '../history.ts';
import { startWarm, type OurRun } from '../ours.ts';

/** Two hosts for one run. */
export const workers: Bench = {
  name: 'workers',
  title: 'Two workers',
  about: 'A topic to the tables, by two workers with a staging folder each, and by one; on this one machine.',
  needs: [],
  run: async (context) => {
    const copies = copiesOf(context);
    const { attempts, bytes } = await context.data.file(copies, 'lines');
    const { ours: two, peer: one } = await alternately(
      context,
      () => landBy(context, copies, ['one', 'two']),
      () => landBy(context, copies, ['one']),
      ({ run }) => shown(run),
    );
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
      notes: [`Batches that each of the two landed, run by run: ${shares}.`],
    };
  },
};

async function landBy(
  { stack, data, topics }: Context,
  copies: number,
  hosts: readonly string[],
): Promise<{ run: OurRun; batches: number[] }> {
  const warm = await topics.filled(data, 1, 'bench-warm');
  const topic = await topics.filled(data, copies);
  const ours = await startWarm(stack, warm, { bench: { topic } }, hosts);
  try {
    const run = await ours.run('bench');
    const { activities } = await historyOf(ours.pipeline, run.handle);
    const landed = activities.filter(({ activity }) => activity === 'land').map(({ worker }) => worker);
    const batches = ours.workers.map(({ pid }) => landed.filter((by) => by.startsWith(`${pid}@`)).length);
    return { run, batches };
  } finally {
    await ours.close();
  }
}
