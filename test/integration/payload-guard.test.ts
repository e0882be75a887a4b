/** Runs whose activities answer or are asked more than Temporal accepts: they wait for a person, and are not terminated. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { Fetched } from '../../activities/fetch.ts';
import { MAX_PAYLOAD_BYTES } from '../../model/payload-limit.ts';
import type { RunEndSinks } from '../../workflows/run-ends.ts';
import { ActivityErrors } from '../../worker/activity-errors.ts';
import { TestPipeline, eventually, queryStatus } from '../support/harness.ts';

let pipeline: TestPipeline;
let connection: NativeConnection;
let worker: Worker;
let ended: Promise<void>;

/** Answers of a size that no step gives: with many chunks, or with ends of more partitions than a topic may have. */
const activities = {
  fetch: ({ source }: { source: string }): Promise<Fetched> =>
    Promise.resolve({
      outcome: 'fetched',
      topic: 't',
      host: 'h',
      content: null,
      chunks: source === 'answer' ? [chunkOf(3_000_000)] : [],
      isNothingGood: false,
      seconds: 0,
    }),
};

function chunkOf(characters: number): Fetched['chunks'][number] {
  return { id: 'x'.repeat(characters), path: 'p', records: 0, bytes: 0 };
}

before(async () => {
  pipeline = await TestPipeline.create({ answer: { url: 'file:none' } });
  const { address, namespace, taskQueue } = pipeline.settings.temporal;
  connection = await NativeConnection.connect({ address });
  const pathOf = (file: string): string => fileURLToPath(new URL(`../../workflows/${file}`, import.meta.url));
  const sinks: { runs: { [K in keyof RunEndSinks['runs']]: { fn: () => void } } } = {
    runs: { ended: { fn: () => undefined } },
  };
  worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowsPath: pathOf('index.ts'),
    activities,
    interceptors: {
      workflowModules: [pathOf('run-ends.ts'), pathOf('payload-guard.ts')],
      activity: [() => ({ inbound: new ActivityErrors() })],
    },
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

  test('that requests too much fails with PAYLOAD_TOO_LARGE, and quotes none of it', async () => {
    const run = await pipeline.start({ source: 'answer', from: `2026 (${'x'.repeat(100_000)})` });
    const error: unknown = await run.result().catch((thrown: unknown) => thrown);
    const message = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
    assert.match(message, /has from = .*it must be a time/);
    assert.ok(message.length < 500);
  });
});
