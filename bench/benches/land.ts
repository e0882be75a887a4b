import {
  alternately,
  copiesOf,
  cpuOf,
  secondsOf,
  shown,
  type Bench,
  type Context,
  type Found,
} from '../context.ts';
import { ratio, type Goal } from '../figures.ts';
import { startWarm, type OurRun } from '../ours.ts';
import { requireSameRows, Spark, type SparkRun } from '../peers/spark.ts';

/** Measures a landing of the usual size. */
export const landBench: Bench = {
  name: 'land',
  title: 'Topic to tables',
  about:
    'A topic of six partitions has the attempts, uncompressed. Ours: from the start of a run to its result, all tables committed, by a warm worker (it has landed 3,280 attempts before). Peer: the job of `bench/peers/spark_job.py`, three tables as plain files, without its start-up.',
  needs: ['python3', 'mvn'],
  run: async (context) => {
    const { found, runs } = await againstSpark(context, copiesOf(context));
    const cpu: Goal = {
      what: 'land: Spark’s CPU seconds / ours',
      value: ratio(cpuOf(runs.peer.map(({ job }) => job)), cpuOf(runs.ours)),
      unit: 'times',
      sense: 'at least',
      bound: 4,
    };
    return { ...found, goals: [timeGoal('land', 5, runs), cpu] };
  },
};

/** Measures a landing of the seed project's size. */
export const smallBench: Bench = {
  name: 'small',
  title: 'A small topic to tables',
  about: 'As above, with one copy of the data.',
  needs: ['python3', 'mvn'],
  run: async (context) => {
    const { found, runs } = await againstSpark(context, 1);
    return { ...found, goals: [timeGoal('small', 7, runs)] };
  },
};

interface Runs {
  readonly ours: readonly OurRun[];
  readonly peer: readonly SparkRun[];
}

function timeGoal(name: string, bound: number, { ours, peer }: Runs): Goal {
  const value = ratio(secondsOf(peer.map(({ job }) => job)), secondsOf(ours));
  return { what: `${name}: Spark’s job / ours`, value, unit: 'times', sense: 'at least', bound };
}

async function againstSpark(
  context: Context,
  copies: number,
): Promise<{ found: Omit<Found, 'goals'>; runs: Runs }> {
  const { stack, data, topics } = context;
  const { attempts, bytes } = await data.file(copies, 'lines');
  const warm = await topics.filled(data, 1, 'bench-warm');
  const topic = await topics.filled(data, copies);
  const spark = await Spark.install(stack, context.folder);
  const runs = await alternately(
    context,
    async () => {
      const ours = await startWarm(stack, warm, { bench: { topic } });
      try {
        return await ours.run('bench');
      } finally {
        await ours.close();
      }
    },
    () => spark.run(topic),
    (run) => shown('job' in run ? run.job : run),
  );
  for (const [at, { result }] of runs.ours.entries()) {
    const peer = runs.peer[at];
    if (peer !== undefined) requireSameRows(result.rows, peer);
  }
  const sides = [
    { name: 'ours', runs: runs.ours },
    { name: 'Spark’s job', runs: runs.peer.map(({ job }) => job) },
    { name: 'Spark, start included', runs: runs.peer.map(({ whole }) => whole) },
  ];
  return { found: { attempts, bytes, sides, notes: [] }, runs };
}
