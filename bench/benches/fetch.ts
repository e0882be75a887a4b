import { join } from 'node:path';
import { eventually } from '../../test/support/harness.ts';
import { alternately, copiesOf, secondsOf, shown, type Bench, type Context } from '../context.ts';
import { FeedServer } from '../feed-server.ts';
import { median, ratio } from '../figures.ts';
import { historyOf, spanOf } from '../history.ts';
import { runMeasured, type Measured } from '../measure.ts';
import { Ours } from '../ours.ts';

const FETCH_MS = 120_000;

/** Measures the fetch over HTTP. */
export const fetchBench: Bench = {
  name: 'fetch',
  title: 'Fetch and split',
  about:
    'Ours: the activity `fetch` of a run, from an HTTP server into hashed chunk files, in a new worker; its CPU seconds and its peak memory. Peer: `jq -c ".[]"` of a file to /dev/null.',
  needs: ['jq'],
  run: async (context) => {
    const { stack, data, folder } = context;
    const array = await data.file(copiesOf(context), 'array');
    const server = await FeedServer.start(array.path);
    const jq = { program: 'jq', args: ['-c', '.[]', array.path], folder: join(folder, 'jq'), silent: true };
    try {
      const { ours, peer } = await alternately(
        context,
        () => ourFetch(context, server.url),
        async () => (await runMeasured(stack, jq)).measured,
        shown,
      );
      const mebibytes = median(ours.map(({ peakBytes }) => peakBytes)) / 2 ** 20;
      const idle = median(ours.map(({ idleBytes }) => idleBytes)) / 2 ** 20;
      return {
        attempts: array.attempts,
        bytes: array.bytes,
        sides: [
          { name: 'ours', runs: ours },
          { name: 'jq', runs: peer },
        ],
        goals: [
          {
            ...{ what: 'fetch: jq / ours', value: ratio(secondsOf(peer), secondsOf(ours)) },
            ...{ unit: 'times', sense: 'at least', bound: 5 },
          },
          { what: 'fetch: memory', value: mebibytes, unit: 'MiB', sense: 'at most', bound: 300 },
        ],
        notes: [`Of the memory, the idle worker had ${idle.toFixed(0)} MiB before.`],
      };
    } finally {
      await server.stop();
    }
  },
};

interface FetchRun extends Measured {
  /** Memory of the worker before the run. */
  readonly idleBytes: number;
}

/** Does not wait for the steps after the fetch. */
async function ourFetch({ stack, topics }: Context, url: string): Promise<FetchRun> {
  const topic = await topics.makeNew();
  const ours = await Ours.start(stack, { [topic]: { url, format: 'json-array', topic } });
  try {
    const watched = ours.watch();
    const idleBytes = Math.max(...ours.workers.map((worker) => worker.peakMemory()));
    const handle = await ours.pipeline.start({ source: topic });
    const fetched = async () =>
      (await historyOf(ours.pipeline, handle)).activities.filter(({ activity }) => activity === 'fetch');
    await eventually('the fetch ends', async () => (await fetched()).length > 0, FETCH_MS);
    const measured = watched(spanOf(await fetched(), 'fetch'));
    await handle.terminate('the bench has seen its fetch');
    return { ...measured, idleBytes };
  } finally {
    await ours.close();
    await topics.remove(topic);
  }
}
