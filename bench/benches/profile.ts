import { join } from 'node:path';
import { copiesOf, shown, type Bench } from '../context.ts';
import { clock, clockAt, secondsIn, type Piece } from '../cpu-profile.ts';
import { FeedServer } from '../feed-server.ts';
import { historyOf, spanOf, type ActivityTime } from '../history.ts';
import { machine } from '../machine.ts';
import { mustRun } from '../measure.ts';
import { Ours, type OurRun } from '../ours.ts';
import { cpuSeconds } from '../processes.ts';

const GARBAGE: Piece = { name: 'garbage collection', functions: /^\(garbage collector\) / };

/** The pieces of a landing. */
const OF_LANDING: readonly Piece[] = [
  GARBAGE,
  { name: 'scanning messages', functions: /records\/(scan|check|normalize)|transform\/scan-message/ },
  { name: 'passing columns to DuckDB', functions: /@duckdb|adapters\/duckdb\// },
  { name: 'reading Kafka', functions: /adapters\/kafka\/|\/kafkajs\// },
  { name: 'staging', functions: /adapters\/staging\/|lib\/length-prefixed/ },
  { name: 'writing to HDFS', functions: /adapters\/(hdfs|delta)\/|steps\/landing\// },
];

/** The pieces of publishing. */
const OF_PUBLISHING: readonly Piece[] = [
  GARBAGE,
  { name: 'batch checksums', functions: /^seal .*wire\/record-batch|@node-rs\/crc32/ },
  {
    name: 'encoding batches',
    functions:
      /wire\/record-batch|kafka\/(sender|partitioner|outgoing-message)|publish\/message-builder|records\/user/,
  },
  { name: 'reading chunks', functions: /adapters\/staging\// },
  { name: 'Kafka requests', functions: /adapters\/kafka\/|\/kafkajs\// },
];

/** Profiles the worker. */
export const profileBench: Bench = {
  name: 'profile',
  title: 'Where the time goes',
  about:
    'One run of `land` and one of `feed`, by a worker that profiles itself (`node --cpu-prof`); the times include the profiler’s overhead.',
  needs: [],
  run: async (context) => {
    const { stack, data, topics, folder, say } = context;
    const copies = copiesOf(context);
    const array = await data.file(copies, 'array');
    const { attempts, bytes } = await data.file(copies, 'lines');
    const warm = await topics.filled(data, 1, 'bench-warm');
    const topic = await topics.filled(data, copies);
    const fedTopic = await topics.makeNew();
    const server = await FeedServer.start(array.path);
    const profiles = join(folder, 'profiles');
    const nodeArgs = ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
    const feed = { url: server.url, format: 'json-array', topic: fedTopic };
    const sources = { warm: { topic: warm }, bench: { topic }, [fedTopic]: feed };
    const ours = await Ours.start(stack, sources, ['one'], {}, nodeArgs);
    try {
      await ours.run('warm');
      const [worker] = ours.workers;
      if (worker === undefined) throw new TypeError('ours has no worker');
      const cpuOfWorker = (): number => mustRun('the worker', cpuSeconds(worker.pid));
      const [from, before] = [clock(), cpuOfWorker()];
      const landed = await ours.run('bench');
      const [to, used] = [clock(), cpuOfWorker() - before];
      say(`  from a topic: ${shown(landed)}`);
      const fed = await ours.run(fedTopic);
      say(`  from a feed: ${shown(fed)}`);
      const { activities } = await historyOf(ours.pipeline, fed.handle);
      const { fromMs, toMs } = spanOf(activities, 'publish');
      const publishing = { from: clockAt(fromMs), to: clockAt(toMs) };
      await worker.drain();
      return {
        attempts,
        bytes,
        sides: [
          { name: 'from a topic', runs: [landed] },
          { name: 'from a feed', runs: [fed] },
        ],
        goals: [],
        notes: [
          ...notesOfLanding(landed, used, secondsIn(profiles, OF_LANDING, { from, to })),
          ...notesOfFeed(fed, activities, secondsIn(profiles, OF_PUBLISHING, publishing)),
        ],
      };
    } finally {
      await ours.close();
      await server.stop();
      await topics.remove(fedTopic);
    }
  },
};

function notesOfLanding(run: OurRun, used: number, pieces: ReadonlyMap<string, number>): string[] {
  const { cores } = machine();
  const inScript = sumOf(pieces.values());
  const all = run.cpuSeconds + sumOf(Object.values(run.servers ?? {}));
  return [
    `From a topic, the worker’s JavaScript took ${seconds(inScript)}, in two threads: ${listOf(pieces)}.`,
    `Its other threads took ${seconds(used - inScript)} of CPU time: DuckDB writing the Parquet files, file I/O, garbage collection.`,
    `CPU time with Temporal, the client and the servers: ${seconds(all)}, so on ${cores} cores the run takes at least ${seconds(all / cores)} (it took ${seconds(run.seconds)}), and without the worker’s JavaScript ${seconds((all - inScript) / cores)}.`,
  ];
}

function notesOfFeed(
  run: OurRun,
  activities: readonly ActivityTime[],
  pieces: ReadonlyMap<string, number>,
): string[] {
  const lengthOf = (name: string): number => {
    const { fromMs, toMs } = spanOf(activities, name);
    return (toMs - fromMs) / 1000;
  };
  const [fetched, published] = [lengthOf('fetch'), lengthOf('publish')];
  const publishes = activities
    .filter(({ activity }) => activity === 'publish')
    .map(({ startedMs, endedMs }) => endedMs - startedMs);
  const [first = NaN, ...others] = publishes;
  const between = published * 1000 - sumOf(publishes);
  const inScript = sumOf(pieces.values());
  return [
    `From a feed, fetch took ${seconds(fetched)}, publish ${seconds(published)}, and the landing the rest of the ${seconds(run.seconds)}.`,
    [
      `Publish was ${publishes.length} activities: the first, in which Kafka also creates its internal topics, took ${first.toFixed(0)} ms`,
      ...others.map((took) => `the next ${took.toFixed(0)} ms`),
      `Temporal took ${between.toFixed(0)} ms between them.`,
    ].join('; '),
    `The worker’s JavaScript took ${seconds(inScript)} of it: ${listOf(pieces)}. The rest was waiting for Kafka and Temporal.`,
  ];
}

function listOf(pieces: ReadonlyMap<string, number>): string {
  const found = [...pieces].sort(([, one], [, other]) => other - one);
  return found.map(([name, took]) => `${name} ${took.toFixed(1)}`).join(', ');
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}

function sumOf(values: Iterable<number>): number {
  return [...values].reduce((sum, value) => sum + value, 0);
}
