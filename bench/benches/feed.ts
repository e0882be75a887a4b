import { join } from 'node:path';
import { alternately, copiesOf, secondsOf, shown, type Bench, type Context } from '../context.ts';
import { FeedServer } from '../feed-server.ts';
import { ratio } from '../figures.ts';
import { runMeasured, type Measured } from '../measure.ts';
import { startWarm, type OurRun } from '../ours.ts';
import { requireSameRows, Spark, type SparkRun } from '../peers/spark.ts';

/** The seed project's shell command that publishes to Kafka. */
const INTO_KAFKA = `curl -sSf "$1" | jq -c '.[]' | kcat -P -b "$2" -t "$3"`;

/** Measures a whole run. */
export const feedBench: Bench = {
  name: 'feed',
  title: 'HTTP feed to tables',
  about:
    'An HTTP server serves one JSON array. Ours: a run, by a warm worker. Peer: `curl -s URL | jq -c ".[]" | kcat -P`, then `bench/peers/spark_job.py` with its start-up.',
  needs: ['curl', 'jq', 'kcat', 'python3', 'mvn'],
  run: async (context) => {
    const { stack, data, topics } = context;
    const array = await data.file(copiesOf(context), 'array');
    const warm = await topics.filled(data, 1, 'bench-warm');
    const spark = await Spark.install(stack, context.folder);
    const server = await FeedServer.start(array.path);
    try {
      const runs = await alternately(
        context,
        () => fetchAndLand(context, server.url, warm),
        () => seedsWay(context, server.url, spark),
        (run) => shown('spark' in run ? run.sum : run),
      );
      for (const [at, { result }] of runs.ours.entries()) {
        const peer = runs.peer[at];
        if (peer !== undefined) requireSameRows(result.rows, peer.spark.rows);
      }
      const peer = runs.peer.map(({ sum }) => sum);
      const sides = [
        { name: 'ours', runs: runs.ours },
        { name: 'the seed’s way', runs: peer },
        { name: 'of it curl, jq and kcat', runs: runs.peer.map(({ intoKafka }) => intoKafka) },
      ];
      const value = ratio(secondsOf(peer), secondsOf(runs.ours));
      return {
        attempts: array.attempts,
        bytes: array.bytes,
        sides,
        goals: [{ what: 'feed: the seed’s way / ours', value, unit: 'times', sense: 'at least', bound: 4 }],
        notes: [],
      };
    } finally {
      await server.stop();
    }
  },
};

async function fetchAndLand({ stack, topics }: Context, url: string, warm: string): Promise<OurRun> {
  const topic = await topics.makeNew();
  // Another source each time, since the markers in Kafka tell every worker which chunks of a source were published.
  const ours = await startWarm(stack, warm, { [topic]: { url, format: 'json-array', topic } });
  try {
    return await ours.run(topic);
  } finally {
    await ours.close();
    await topics.remove(topic);
  }
}

interface SeedRun {
  readonly intoKafka: Measured;
  readonly spark: SparkRun;
  readonly sum: Measured;
}

async function seedsWay({ stack, topics, folder }: Context, url: string, spark: Spark): Promise<SeedRun> {
  const topic = await topics.makeNew();
  const { measured: intoKafka } = await runMeasured(stack, {
    program: 'bash',
    args: ['-o', 'pipefail', '-c', INTO_KAFKA, 'bash', url, topics.broker, topic],
    folder: join(folder, 'into-kafka'),
  });
  const run = await spark.run(topic);
  await topics.remove(topic);
  return { intoKafka, spark: run, sum: sumOf(intoKafka, run.whole) };
}

/** Runs the two sides one after the other. */
function sumOf(one: Measured, other: Measured): Measured {
  const [first, second] = [one.servers, other.servers];
  return {
    seconds: one.seconds + other.seconds,
    cpuSeconds: one.cpuSeconds + other.cpuSeconds,
    peakBytes: Math.max(one.peakBytes, other.peakBytes),
    servers:
      first === null || second === null
        ? null
        : {
            kafka: first.kafka + second.kafka,
            namenode: first.namenode + second.namenode,
            datanode: first.datanode + second.datanode,
          },
  };
}
