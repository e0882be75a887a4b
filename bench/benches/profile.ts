import { join } from 'node:path';
import { copiesOf, shown, type Bench } from '../context.ts';
import { clock, secondsIn, type Piece } from '../cpu-profile.ts';
import { machine } from '../machine.ts';
import { mustRun } from '../measure.ts';
import { Ours, type OurRun } from '../ours.ts';
import { cpuSeconds } from '../processes.ts';

/** The pieces of a landing. */
const PIECES: readonly Piece[] = [
  { name: 'collecting garbage', functions: /^\(garbage collector\) / },
  { name: 'checking the messages', functions: /tables\/(scan|check)/ },
  { name: 'handing them to DuckDB', functions: /@duckdb/ },
  { name: 'reading Kafka', functions: /adapters\/(kafka-|crc32c)|\/kafkajs\// },
  { name: 'staging', functions: /adapters\/(frames|message-frames|staging)/ },
  { name: 'writing to HDFS', functions: /adapters\/(webhdfs|hdfs|delta)|activities\/land/ },
];

/** What the worker does with its time. */
export const profile: Bench = {
  name: 'profile',
  title: 'Where the time of a landing goes',
  about:
    'One run of `land`, by a worker that profiles itself (`node --cpu-prof`), which takes some of the time itself.',
  needs: [],
  run: async (context) => {
    const { stack, data, topics, folder, say } = context;
    const copies = copiesOf(context);
    const { attempts, bytes } = await data.file(copies, 'lines');
    const warm = await topics.filled(data, 1, 'bench-warm');
    const topic = await topics.filled(data, copies);
    const profiles = join(folder, 'profiles');
    const nodeArgs = ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
    const sources = { warm: { topic: warm }, bench: { topic } };
    const ours = await Ours.start(stack, sources, ['one'], {}, nodeArgs);
    try {
      await ours.run('warm');
      const [worker] = ours.workers;
      if (worker === undefined) throw new TypeError('ours has no worker');
      const cpuOfWorker = (): number => mustRun('the worker', cpuSeconds(worker.pid));
      const [from, before] = [clock(), cpuOfWorker()];
      const run = await ours.run('bench');
      const [to, used] = [clock(), cpuOfWorker() - before];
      say(`  ${shown(run)}`);
      await worker.drain();
      const pieces = secondsIn(profiles, PIECES, { from, to });
      return {
        attempts,
        bytes,
        sides: [{ name: 'ours', runs: [run] }],
        goals: [],
        notes: notesOf(run, used, pieces),
      };
    } finally {
      await ours.close();
    }
  },
};

function notesOf(run: OurRun, used: number, pieces: ReadonlyMap<string, number>): string[] {
  const { cores } = machine();
  const inScript = sumOf(pieces.values());
  const all = run.cpuSeconds + sumOf(Object.values(run.servers ?? {}));
  const found = [...pieces].sort(([, one], [, other]) => other - one);
  return [
    `The worker’s JavaScript took ${inScript.toFixed(1)} s: ${found.map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`).join(', ')}.`,
    `Its other threads took ${(used - inScript).toFixed(1)} s of processor time: DuckDB’s, which parse the JSON and write the Parquet files; those that read and write files; those that help to collect garbage.`,
    `With Temporal, the client and the servers it was ${all.toFixed(1)} s: on ${cores} processors ${(all / cores).toFixed(1)} s at best, of the ${run.seconds.toFixed(1)} s that the run took.`,
  ];
}

function sumOf(values: Iterable<number>): number {
  return [...values].reduce((sum, value) => sum + value, 0);
}
