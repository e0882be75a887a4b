/** Faults 13 and 28: several runs and workers want the same. */
import assert from 'node:assert/strict';
import test, { after, afterEach, before, beforeEach, describe } from 'node:test';
import { ScheduleNotFoundError } from '@temporalio/client';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { TestPipeline, eventually } from '../support/harness.ts';
import type { ingest } from '../../workflows/index.ts';
import type { IngestResult } from '../../model/run.ts';
import { requireExactly } from './content.ts';
import { waitForResult, someAttempts } from './other-topic.ts';

const COUNT = 250;
const BATCH_MESSAGES = 60;

/** Schedules are of the whole server: these sources are this test's alone. */
const UNIQUE = `${process.pid}-${Date.now().toString(36)}`;
/** Sources of one topic, each with its own attempts; the seed is the index. */
const SOURCES = ['first', 'second', 'third', 'fourth'].map((name) => `${name}-${UNIQUE}`);

let platform: Platform;
let hdfs: FaultyHdfs;
let pipeline: TestPipeline;

before(async () => {
  platform = await startPlatform({ count: COUNT });
  hdfs = await FaultyHdfs.start('shared');
});

after(async () => {
  await hdfs.stop();
  await platform.close();
});

beforeEach(async () => {
  hdfs.clear();
  const topic = `shared-${UNIQUE}-${performance.now()}`;
  pipeline = await TestPipeline.create(
    Object.fromEntries(
      SOURCES.map((source, seed) => [source, { topic, url: `${platform.url}/attempts?seed=${seed}` }]),
    ),
    { limits: { batchMessages: BATCH_MESSAGES } },
    { hdfs: { nameNodes: [hdfs.nameNode.address] } },
  );
});

afterEach(async () => {
  for (const source of SOURCES) {
    const schedule = pipeline.client.schedule.getHandle(`ingest-${source}`);
    await schedule.delete().catch((error: unknown) => {
      assert(error instanceof ScheduleNotFoundError);
    });
  }
  await pipeline.close();
});

async function command(...words: string[]): Promise<void> {
  const { code, stdout, stderr } = await pipeline.command(...words);
  assert.equal(code, 0, stdout + stderr);
}

/** The ways to start a run. */
const MEANS = {
  'the command line': (source: string) => command('start', source),
  'a schedule': async (source: string) => {
    await command('schedule', 'set', source, '--every', '30d');
    await command('schedule', 'trigger', source);
  },
  'the client of Temporal, as its UI does': async (source: string) => {
    await pipeline.start({ source });
  },
};

/** Waits until `count` runs were started and all have ended, and returns their results; fails when one fails. */
async function resultsOf(count: number): Promise<IngestResult[]> {
  const query = `TaskQueue = '${pipeline.name}' AND WorkflowType = 'ingest'`;
  const started = new Set<string>();
  await eventually(
    `${count} runs are started`,
    async () => {
      for await (const { workflowId } of pipeline.client.workflow.list({ query })) started.add(workflowId);
      return started.size === count;
    },
    60_000,
  );
  const results = [...started].map((id) =>
    waitForResult(pipeline.client.workflow.getHandle<typeof ingest>(id)),
  );
  return Promise.all(results);
}

function attemptsOf(...seeds: number[]): ReturnType<typeof someAttempts> {
  return seeds.flatMap((seed) => someAttempts(seed, COUNT));
}

const { 'the command line': byCommand, 'a schedule': bySchedule } = MEANS;
const byClient = MEANS['the client of Temporal, as its UI does'];

describe('13 concurrent runs', () => {
  for (const [number, starts] of [
    ['two', [byCommand, bySchedule]],
    ['four', [byCommand, bySchedule, byClient, byClient]],
  ] as const) {
    test(`13 ${number} of one source, started in different ways: none fails, and nothing is duplicated`, async () => {
      const [source = ''] = SOURCES;
      await Promise.all([pipeline.startWorker('one'), pipeline.startWorker('two')]);
      await Promise.all(starts.map((start) => start(source)));
      await resultsOf(starts.length);
      await requireExactly(pipeline, attemptsOf(0));
    });

    test(`13 ${number} of one topic, each with its own source: none fails, and nothing is duplicated`, async () => {
      await Promise.all([pipeline.startWorker('one'), pipeline.startWorker('two')]);
      await Promise.all(starts.map((start, at) => start(SOURCES[at] ?? '')));
      await resultsOf(starts.length);
      await requireExactly(pipeline, attemptsOf(...starts.map((_, seed) => seed)));
    });
  }
});

test('13 a worker that is frozen in the middle of a commit, which another worker makes meanwhile, is fenced', async () => {
  const [source = ''] = SOURCES;
  const first = await pipeline.startWorker();
  const isCommit = /PUT \S*\/deliveries\/_scratch\/\S*op=RENAME\S*_delta_log/;
  let isStill = false;
  let goOn = (): void => undefined;
  const run = async (): Promise<void> => {
    first.signal('SIGSTOP');
    isStill = true;
    await new Promise<void>((resolve) => (goOn = resolve));
  };
  // The first such request makes the table.
  hdfs.nameNode.plan(isCommit, { kind: 'before', run }, 1, 1);
  const handle = await pipeline.start({ source });
  await eventually('the worker is frozen', () => isStill, 60_000);
  await pipeline.startWorker();
  assert.equal((await waitForResult(handle)).outcome, 'landed');
  const commits = (): number => hdfs.nameNode.answered.filter((line) => isCommit.test(line)).length;
  const before = commits();
  goOn();
  await eventually('the commit that was late is refused', () => commits() > before);
  // Only now: the request is past its timeout, and the worker would withdraw it.
  first.signal('SIGCONT');
  await requireExactly(pipeline, attemptsOf(0));
});

test('28 a source that is triggered again, in every way, during its run and after it: nothing is duplicated', async () => {
  const [source = ''] = SOURCES;
  await byClient(source);
  await pipeline.startWorker();
  await eventually('the first lands', () => hdfs.nameNode.count('op=CREATE') > 0, 60_000);
  for (const start of Object.values(MEANS)) await start(source);
  await resultsOf(4);
  await requireExactly(pipeline, attemptsOf(0));
  for (const start of [byCommand, byClient]) await start(source);
  const outcomes = (await resultsOf(6)).map(({ outcome }) => outcome);
  assert(outcomes.filter((outcome) => outcome === 'unchanged').length >= 2, outcomes.join());
  await requireExactly(pipeline, attemptsOf(0));
});
