/** Faults 22 and 25: the customer's server, and the host of a worker, in the middle of a run. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import type { FeedAttempt } from '../../simulator/attempt.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { TestPipeline, eventually } from '../support/harness.ts';
import { requireExactly } from './content.ts';
import { waitForResult, someAttempts } from './other-topic.ts';

describe('22 a customer’s server', () => {
  const COUNT = 50;
  /** Less than the content has, so that a cut is in its middle. */
  const CUT_BYTES = 60_000;
  const SEEDS = { refusing: 1, busy: 2, cut: 3, slow: 4, changed: 5, strong: 11, weak: 12, recent: 13 };
  /** Sources whose server sends the rest of another content, by what tells its contents apart. */
  const SWAPPED = ['strong', 'weak', 'recent'] as const;
  let platform: Platform;
  let pipeline: TestPipeline;
  /** The attempts that have landed. */
  const expected: FeedAttempt[] = [];

  before(async () => {
    platform = await startPlatform();
    pipeline = await TestPipeline.create(
      Object.fromEntries(
        Object.entries(SEEDS).map(([source, seed]) => [
          source,
          { url: `${platform.url}/${source}/attempts${queryOf(source, seed)}` },
        ]),
      ),
    );
    await pipeline.startWorker();
  });

  after(async () => {
    await pipeline.close();
    await platform.close();
  });

  function queryOf(source: string, seed: number): string {
    const validator = SWAPPED.find((name) => name === source);
    return `?count=${COUNT}&seed=${seed}${validator === undefined ? '' : `&validator=${validator}`}`;
  }

  /** The current content of a source's server. */
  async function contentNow(source: keyof typeof SEEDS): Promise<FeedAttempt[]> {
    const answer = await fetch(`${platform.url}/${source}/attempts${queryOf(source, SEEDS[source])}`);
    return (await answer.json()) as FeedAttempt[];
  }

  /** Runs a source; the tables must then have its server's final content once. */
  async function landsOnce(
    source: keyof typeof SEEDS,
    has = someAttempts(SEEDS[source], COUNT),
  ): Promise<void> {
    const { outcome, content } = await waitForResult(await pipeline.start({ source }));
    assert.deepEqual([outcome, content?.records], ['landed', has.length]);
    expected.push(...has);
    await requireExactly(pipeline, expected);
  }

  /** Whether each request of a source had a Range, and the status of its response. */
  function requestsOf(source: keyof typeof SEEDS): [boolean, number][] {
    return platform.requests
      .filter(({ path }) => path === `/${source}/attempts`)
      .map(({ range, status }) => [range !== undefined, status]);
  }

  test('22 that responds with 500 twice is requested again', async () => {
    platform.arm({ kind: 'status', status: 500, times: 2, path: '/refusing/attempts' });
    await landsOnce('refusing');
    assert.deepEqual(
      requestsOf('refusing').map(([, status]) => status),
      [500, 500, 200],
    );
  });

  test('22 that is busy is requested again at the time of Retry-After', async () => {
    platform.arm({ kind: 'busy', retryAfterSeconds: 2, path: '/busy/attempts' });
    const began = Date.now();
    await landsOnce('busy');
    assert(Date.now() - began >= 2000, 'it was asked before');
  });

  test('22 that cuts its response off is requested for the rest only', async () => {
    platform.arm({ kind: 'cut', bytes: CUT_BYTES, path: '/cut/attempts' });
    await landsOnce('cut');
    assert.deepEqual(requestsOf('cut'), [
      [false, 200],
      [true, 206],
    ]);
  });

  test('22 that is slow but steady is waited for', async () => {
    platform.arm({ kind: 'slow', bytesPerSecond: 30_000, path: '/slow/attempts' });
    await landsOnce('slow');
    assert.deepEqual(requestsOf('slow'), [[false, 200]]);
  });

  test('22 whose content changes between two attempts is requested for all of it, and contents are not mixed', async () => {
    platform.arm(
      { kind: 'cut', bytes: CUT_BYTES, path: '/changed/attempts' },
      { kind: 'changed', path: '/changed/attempts' },
    );
    const { outcome } = await waitForResult(await pipeline.start({ source: 'changed' }));
    assert.equal(outcome, 'landed');
    assert.deepEqual(requestsOf('changed'), [
      [false, 200],
      [true, 200],
    ]);
    expected.push(...(await contentNow('changed')));
    await requireExactly(pipeline, expected);
  });

  for (const source of SWAPPED) {
    test(`22 that sends the rest of another content (validator: ${source}) is requested for all of it`, async () => {
      const path = `/${source}/attempts`;
      platform.arm({ kind: 'cut', bytes: CUT_BYTES, path }, { kind: 'swapped', path });
      const { outcome } = await waitForResult(await pipeline.start({ source }));
      assert.equal(outcome, 'landed');
      expected.push(...(await contentNow(source)));
      await requireExactly(pipeline, expected);
    });
  }
});

describe('25 a worker’s host that is lost', () => {
  const COUNT = 3000;
  let platform: Platform;

  before(async () => {
    platform = await startPlatform({ count: COUNT });
  });

  after(() => platform.close());

  for (const [step, says] of [
    ['publish', 'fetches the content again'],
    ['transform', 'finishes its batches'],
  ] as const) {
    test(`25 in ${step}: a worker of another host ${says}, and every attempt lands once`, async () => {
      const pipeline = await TestPipeline.create(
        { source: { url: `${platform.url}/attempts` } },
        { limits: { batchMessages: 700 } },
      );
      try {
        const first = await pipeline.startWorker('one');
        const run = await pipeline.start({ source: 'source' });
        await eventually(
          `the run is in ${step}`,
          async () => (await pipeline.activitiesOf(run.workflowId)).includes(step),
          60_000,
        );
        await first.kill();
        await pipeline.startWorker('two');
        assert.equal((await waitForResult(run)).outcome, 'landed');
        await requireExactly(pipeline, someAttempts(1, COUNT));
      } finally {
        await pipeline.close();
      }
    });
  }
});
