/** Runs whose activities answer or are asked more than Temporal accepts: they wait for a person, and are not terminated. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { Fetched } from '../../activities/fetch.ts';
import { MAX_PAYLOAD_BYTES } from '../../model/payload-limit.ts';
import type { RunEndSinks } from '../../workflows/run-ends.ts';
import { ActivityErrors } from '../../worker/activity-errors.ts';
import { workflowCode } from '../../worker/workflow-code.ts';
import { TestPipeline, eventually, queryStatus } from '../support/harness.ts';
import type { LargePayload, largePayloads } from './hostile/large-payloads.ts';

let pipeline: TestPipeline;
let connection: NativeConnection;
let worker: Worker;
let ended: Promise<void>;

/** Has the longest name that a source can have, so that the input of `publish` is larger than the result of `fetch`. */
const LONG_NAME = 's'.repeat(63);

const EMPTY: Fetched = {
  outcome: 'fetched',
  topic: 't',
  host: 'h',
  content: null,
  chunks: [],
  isNothingGood: false,
  seconds: 0,
};

/** Returns a result with one chunk, of the largest size that is accepted. */
function largestFetched(): Fetched {
  const characters = MAX_PAYLOAD_BYTES - JSON.stringify({ ...EMPTY, chunks: [chunkOf(0)] }).length;
  return { ...EMPTY, chunks: [chunkOf(characters)] };
}

/** Answers of a size that no step gives: with many chunks, or with ends of more partitions than a topic may have. */
const activities = {
  fetch: ({ source }: { source: string }): Promise<Fetched> =>
    Promise.resolve(source === LONG_NAME ? largestFetched() : { ...EMPTY, chunks: [chunkOf(3_000_000)] }),
};

function chunkOf(characters: number): Fetched['chunks'][number] {
  // The name of a chunk, unlike its path, is part of a run's status.
  return { id: 'c', path: 'x'.repeat(characters), records: 0, bytes: 0 };
}

before(async () => {
  pipeline = await TestPipeline.create({ answer: { url: 'file:none' } });
  const { address, namespace, taskQueue } = pipeline.settings.temporal;
  connection = await NativeConnection.connect({ address });
  const sinks: { runs: { [K in keyof RunEndSinks['runs']]: { fn: () => void } } } = {
    runs: { ended: { fn: () => undefined } },
  };
  worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    // Those of a worker, with its interceptors.
    workflowBundle: await workflowCode(),
    activities,
    interceptors: { activity: [() => ({ inbound: new ActivityErrors() })] },
    sinks,
  });
  ended = worker.run();
});

after(async () => {
  worker.shutdown();
  await ended;
  await connection.close();
  await pipeline.close();
});

describe('a run', () => {
  test('waits for a person where an activity answers more than Temporal accepts', async () => {
    const run = await pipeline.start({ source: 'answer' });
    await eventually('it waits', async () => (await queryStatus(run)).waiting !== null);
    const { waiting } = await queryStatus(run);
    assert.equal(waiting?.code, 'PAYLOAD_TOO_LARGE');
    assert.match(waiting.message, /the result of the activity fetch has 3,000,\d{3} bytes/);
    const { events } = await pipeline.client.workflow.getHandle(run.workflowId).fetchHistory();
    for (const event of events ?? []) assert.ok(JSON.stringify(event).length < MAX_PAYLOAD_BYTES);
    await run.executeUpdate('abort');
    await assert.rejects(run.result());
  });

  test('waits for a person where an activity would be asked more than Temporal accepts', async () => {
    const run = await pipeline.start({ source: LONG_NAME });
    await eventually('it waits', async () => (await queryStatus(run)).waiting !== null);
    const { waiting } = await queryStatus(run);
    assert.deepEqual([waiting?.step, waiting?.code], ['publish', 'PAYLOAD_TOO_LARGE']);
    assert.match(waiting?.message ?? '', /the input of the activity publish has 1,500,\d{3} bytes/);
    await run.terminate();
  });

  test('that requests too much fails with PAYLOAD_TOO_LARGE, and quotes none of it', async () => {
    const run = await pipeline.start({ source: 'answer', from: `2026 (${'x'.repeat(100_000)})` });
    const error: unknown = await run.result().catch((thrown: unknown) => thrown);
    const message = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
    assert.match(message, /has from = .*it must be a time/);
    assert.ok(message.length < 500);
  });
});

describe('a workflow', () => {
  let large: Worker;
  let largeEnded: Promise<void>;

  before(async () => {
    const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
    large = await Worker.create({
      connection,
      namespace: pipeline.settings.temporal.namespace,
      taskQueue: `${pipeline.name}-large`,
      workflowsPath: pathOf('hostile/large-payloads.ts'),
      activities: { take: (text: string) => String(text.length) },
      interceptors: { workflowModules: [pathOf('../../workflows/payload-guard.ts')] },
    });
    largeEnded = large.run();
  });

  after(async () => {
    large.shutdown();
    await largeEnded;
  });

  /** Starts a workflow that sends a payload of this many characters. */
  const start = (what: LargePayload, characters: number) =>
    pipeline.client.workflow.start<typeof largePayloads>('largePayloads', {
      taskQueue: `${pipeline.name}-large`,
      workflowId: `${pipeline.name}-large-${what}-${characters}`,
      args: [what, characters],
    });

  /** Smaller than Temporal's own limit, which would end the run. */
  const TOO_MANY = MAX_PAYLOAD_BYTES + 1_000;
  const FIT = MAX_PAYLOAD_BYTES - 1_000;

  for (const [what, named] of [
    ['result', 'the result of the run'],
    ['activity', 'the input of the activity take'],
    ['continue-as-new', 'the state that the run continues with'],
  ] as const) {
    test(`fails by name where ${named} is larger than it may be, and not where it fits`, async () => {
      const refused = await start(what, TOO_MANY);
      await assert.rejects(refused.result(), ({ cause }: Error) => {
        assert.ok(cause instanceof ApplicationFailure, String(cause));
        assert.equal(cause.type, 'PAYLOAD_TOO_LARGE');
        assert.ok(cause.message.startsWith(`${named} has 1,50`), cause.message);
        return true;
      });
      await (await start(what, FIT)).result();
    });
  }

  test('answers no query and no update with more than it may', async () => {
    const run = await start('update', 0);
    assert.equal((await run.query<string, [number]>('large', FIT)).length, FIT);
    await assert.rejects(run.query('large', TOO_MANY), /the answer to the query large has 1,50/);
    await assert.rejects(run.executeUpdate('enlarge', { args: [TOO_MANY] }), ({ cause }: Error) => {
      assert.match(cause instanceof Error ? cause.message : '', /the answer to the update enlarge has 1,50/);
      return true;
    });
    assert.equal(await run.result(), 'done');
  });
});
