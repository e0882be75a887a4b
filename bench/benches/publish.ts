import { join } from 'node:path';
import { alternately, copiesOf, secondsOf, shown, type Bench, type Context } from '../context.ts';
import { FeedServer } from '../feed-server.ts';
import { ratio } from '../figures.ts';
import { historyOf, spanOf } from '../history.ts';
import { runMeasured, type Measured } from '../measure.ts';
import { startWarm } from '../ours.ts';

/** Measures publishing to Kafka, exactly once. */
export const publishBench: Bench = {
  name: 'publish',
  title: 'Publish',
  about:
    'Ours: from the start of a run’s first `publish` to the end of its last one; one fenced transaction per chunk, by a warm worker (it has published 3,280 attempts before); the CPU seconds are the worker’s. Peers: `bench/peers/plain-producer.ts`, one idempotent producer of kafkajs that sends 300 messages at once, without its start-up; and `kcat -P -l`, which gives no guarantees.',
  needs: ['kcat'],
  run: async (context) => {
    const { data, topics } = context;
    const copies = copiesOf(context);
    const [array, lines] = [await data.file(copies, 'array'), await data.file(copies, 'lines')];
    const warm = await topics.filled(data, 1, 'bench-warm');
    const server = await FeedServer.start(array.path);
    const small = await FeedServer.start((await data.file(1, 'array')).path);
    try {
      const runs = await alternately(
        context,
        () => ourPublish(context, { warm, small: small.url, url: server.url }),
        async () => ({
          plain: await intoNewTopic(context, (topic) => topics.fill(topic, lines.path)),
          kcat: await intoNewTopic(context, (topic) => kcat(context, topic, lines.path)),
        }),
        (run) => ('plain' in run ? `${shown(run.plain)}; kcat ${shown(run.kcat)}` : shown(run)),
      );
      const peers = {
        plain: runs.peer.map(({ plain }) => plain),
        kcat: runs.peer.map((run) => run.kcat),
      };
      const against = (peer: readonly Measured[]): number => ratio(secondsOf(peer), secondsOf(runs.ours));
      return {
        attempts: lines.attempts,
        bytes: lines.bytes,
        sides: [
          { name: 'ours', runs: runs.ours },
          { name: 'kafkajs', runs: peers.plain },
          { name: 'kcat', runs: peers.kcat },
        ],
        goals: [
          {
            what: 'publish: kafkajs / ours',
            value: against(peers.plain),
            unit: 'times',
            sense: 'at least',
            bound: 3,
          },
          {
            what: 'publish: kcat / ours',
            value: against(peers.kcat),
            unit: 'times',
            sense: 'at least',
            bound: null,
          },
        ],
        notes: [],
      };
    } finally {
      await server.stop();
      await small.stop();
    }
  },
};

interface Feeds {
  /** A topic of a few messages. */
  readonly warm: string;
  /** URL of a few attempts. */
  readonly small: string;
  readonly url: string;
}

async function ourPublish({ stack, topics }: Context, { warm, small, url }: Feeds): Promise<Measured> {
  const [topic, smallTopic] = [await topics.makeNew(), await topics.makeNew()];
  // Another source each time, since the markers in Kafka tell every worker which chunks of a source were published.
  const ours = await startWarm(stack, warm, {
    [smallTopic]: { url: small, format: 'json-array', topic: smallTopic },
    [topic]: { url, format: 'json-array', topic },
  });
  try {
    await ours.run(smallTopic);
    const watched = ours.watch();
    const { handle } = await ours.run(topic);
    return watched(spanOf((await historyOf(ours.pipeline, handle)).activities, 'publish'));
  } finally {
    await ours.close();
    await topics.remove(topic);
    await topics.remove(smallTopic);
  }
}

async function intoNewTopic(
  { topics }: Context,
  fill: (topic: string) => Promise<Measured>,
): Promise<Measured> {
  const topic = await topics.makeNew();
  const measured = await fill(topic);
  await topics.remove(topic);
  return measured;
}

async function kcat({ stack, topics, folder }: Context, topic: string, file: string): Promise<Measured> {
  const { measured } = await runMeasured(stack, {
    program: 'kcat',
    args: ['-P', '-b', topics.broker, '-t', topic, '-l', file],
    folder: join(folder, 'kcat'),
  });
  return measured;
}
