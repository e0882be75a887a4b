import { copiesOf, cpuOf, secondsOf, shown, type Bench, type Context, type Found } from '../context.ts';
import { ratio, type Goal } from '../figures.ts';
import type { Measured } from '../measure.ts';
import { startWarm, type OurRun } from '../ours.ts';
import { installRivals, type Rival, type RivalName, type RivalRun } from '../peers/rivals.ts';
import { requireSameRows, Spark, type SparkRun } from '../peers/spark.ts';

const RIVALS =
  'Rivals, each warm in the same way: a Python program of librdkafka, DuckDB’s reader of JSON, Arrow and delta-rs; a Rust program of librdkafka, sonic-rs, Arrow and Parquet that handles only what is as expected; Spark with Delta, tuned. They land the raw messages too, as a fourth table; none of them resumes, quarantines or verifies anything. They are left out where they cannot be built.';

/** Measures a landing of the usual size. */
export const landBench: Bench = {
  name: 'land',
  title: 'Topic to tables',
  about: `A topic of six partitions has the attempts, uncompressed. Ours: from the start of a run to its result, all tables committed, by a warm worker (it has landed 3,280 attempts before). Peer: the job of \`bench/peers/spark_job.py\`, three tables as plain files, without its start-up. ${RIVALS}`,
  needs: ['python3', 'mvn'],
  run: async (context) =>
    againstPeers(context, copiesOf(context), (runs) => [
      ...timeGoals('land', { Spark: 7, 'Spark, warm': 5, Python: 1.5, Rust: 1 }, runs),
      ...cpuGoals('land', { Spark: 4, Rust: 0.8 }, runs),
    ]),
};

/** Measures a landing of the seed project's size. */
export const smallBench: Bench = {
  name: 'small',
  title: 'A small topic to tables',
  about: 'As above, with one copy of the data.',
  needs: ['python3', 'mvn'],
  run: async (context) =>
    againstPeers(context, 1, (runs) =>
      timeGoals('small', { Spark: 7, 'Spark, warm': null, Python: 1.5, Rust: 0.7 }, runs),
    ),
};

interface Runs {
  readonly ours: OurRun[];
  readonly spark: SparkRun[];
  /** Those that could be built. */
  readonly rivals: ReadonlyMap<RivalName, RivalRun[]>;
}

type PeerName = 'Spark' | RivalName;
/** The least ratio to reach, by peer; null where there is no goal. */
type Bounds = Readonly<Partial<Record<PeerName, number | null>>>;

function timeGoals(bench: string, bounds: Bounds, runs: Runs): Goal[] {
  return goalsOf(bounds, runs, secondsOf, (peer) =>
    peer === 'Spark' ? `${bench}: Spark’s job / ours` : `${bench}: ${peer} / ours`,
  );
}

function cpuGoals(bench: string, bounds: Bounds, runs: Runs): Goal[] {
  return goalsOf(bounds, runs, cpuOf, (peer) => `${bench}: ${peer}’s CPU seconds / ours`);
}

/** Returns a goal per peer that ran: the ratio of its figure to ours. */
function goalsOf(
  bounds: Bounds,
  { ours, spark, rivals }: Runs,
  figuresOf: (runs: readonly Measured[]) => number[],
  nameOf: (peer: PeerName) => string,
): Goal[] {
  const jobs = new Map<PeerName, Measured[]>([['Spark', spark.map(({ job }) => job)]]);
  for (const [name, runs] of rivals)
    jobs.set(
      name,
      runs.map(({ job }) => job),
    );
  return [...jobs].flatMap(([peer, measured]) => {
    const bound = bounds[peer];
    if (bound === undefined) return [];
    const value = ratio(figuresOf(measured), figuresOf(ours));
    return [{ what: nameOf(peer), value, unit: 'times' as const, sense: 'at least' as const, bound }];
  });
}

/** Runs all sides in turns, so that other load on the machine affects each. */
async function againstPeers(context: Context, copies: number, goals: (runs: Runs) => Goal[]): Promise<Found> {
  const { stack, data, topics, folder, rounds, say } = context;
  const { attempts, bytes } = await data.file(copies, 'lines');
  const warm = await topics.filled(data, 1, 'bench-warm');
  const topic = await topics.filled(data, copies);
  const spark = await Spark.install(stack, folder);
  const rivals = await installRivals(context);
  const runs: Runs = { ours: [], spark: [], rivals: new Map(rivals.map(({ name }) => [name, []])) };
  for (let round = 0; round < rounds; round += 1) {
    const own = await runOurs(context, warm, topic);
    runs.ours.push(own);
    say(`  ours ${shown(own)}`);
    const peer = await spark.run(topic);
    requireSameRows(own.result.rows, peer.rows);
    runs.spark.push(peer);
    say(`  Spark’s job ${shown(peer.job)}`);
    for (const rival of rivals) runs.rivals.get(rival.name)?.push(await runRival(rival, own));
  }
  const sides = [
    { name: 'ours', runs: runs.ours },
    { name: 'Spark’s job', runs: runs.spark.map(({ job }) => job) },
    { name: 'Spark, start included', runs: runs.spark.map(({ whole }) => whole) },
    ...[...runs.rivals].map(([name, of]) => ({ name, runs: of.map(({ job }) => job) })),
  ];
  return { attempts, bytes, sides, goals: goals(runs), notes: [] };

  async function runRival(rival: Rival, own: OurRun): Promise<RivalRun> {
    const run = await rival.run({ topic, warm });
    requireSameRows(own.result.rows, run.rows);
    say(`  ${rival.name} ${shown(run.job)}`);
    return run;
  }
}

async function runOurs({ stack }: Context, warm: string, topic: string): Promise<OurRun> {
  const ours = await startWarm(stack, warm, { bench: { topic } });
  try {
    return await ours.run('bench');
  } finally {
    await ours.close();
  }
}
