/**
 * Records the histories that test/unit/replay.test.ts replays, on servers of its own: npx tsx test/record-histories.ts
 *
 * Each is written to test/histories as Temporal's protocol encodes it, without stack traces and process names: no replay
 * needs them, and they tell of the machine.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import proto from '@temporalio/proto';
import { startStack } from '../services/stack.ts';
import type { IngestHandle } from './support/harness.ts';
import { ROOT, TestPipeline, eventually, queryStatus } from './support/harness.ts';
import { QuarantinedTopic, badAttempts, goodAttempts } from './support/quarantined.ts';

/** More chunks of 16 MiB than one activity publishes. */
const LARGE_RECORDS = 380;
const LARGE_RECORD_BYTES = 800_000;
/** Batches of 500, as many as are read at once: more than one history holds. */
const SMALL_RECORDS = 14_000;
const DECISION_TIMEOUT_MS = 180_000;

const PRIVATE = new Set(['stackTrace', 'identity']);

const folder = await mkdtemp(join(tmpdir(), 'histories-'));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const stack = await startStack({ folder: join(folder, 'services'), ports: 'free', progress: say });
Object.assign(process.env, {
  PIPELINE_TEST_TEMPORAL: stack.temporal.address,
  PIPELINE_TEST_KAFKA: stack.kafka.brokers.join(','),
  PIPELINE_TEST_HDFS: stack.hdfs.nameNodeHttp,
});
const pipeline = await TestPipeline.create(
  {
    small: { url: 'file:small' },
    empty: { url: 'file:empty', format: 'ndjson' },
    limited: { url: 'file:limited', quarantineLimit: 0.1 },
    missing: { url: 'file:missing' },
    large: { url: 'file:large', format: 'ndjson' },
    many: { url: 'file:many', format: 'ndjson' },
  },
  { limits: { batchMessages: 500 } },
);
try {
  await pipeline.placeFiles({
    small: JSON.stringify(goodAttempts(1, 20)),
    empty: '',
    limited: JSON.stringify([...goodAttempts(2, 3), ...badAttempts(3, 2)]),
    large: lines(LARGE_RECORDS, { filler: 'x'.repeat(LARGE_RECORD_BYTES) }),
    many: lines(SMALL_RECORDS, {}),
  });
  await pipeline.startWorker();
  await recordUndecidedMeanwhile(async () => {
    await record('landed', await ended('small'));
    await record('unchanged', await ended('small'));
    await new QuarantinedTopic(pipeline, 'small').publishAll(goodAttempts(4, 5));
    await record('unchanged-landed', await ended('small'));
    await record('nothing-new', await ended('empty'));
    await record('past-limit', await decided('limited', 'skip'));
    await record('aborted', await decided('missing', 'abort'));
    await record('many-chunks', await ended('large'));
    const continued = await ended('many');
    await record('continued', continued, continued.firstExecutionRunId);
    await record('continued-landed', continued);
  });
} finally {
  await pipeline.close();
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Small attempts, a line each. */
function lines(count: number, more: object): string {
  const shape = {
    base_exam_id: 'b',
    exam_name: 'e',
    started_at: '2018-01-01T00:00:00Z',
    sequences: { questions: [{ id: 'q', options: [{ id: 'o' }] }] },
  };
  return Array.from({ length: count }, (_, index) =>
    JSON.stringify({ keen_id: `k${index}`, user_exam_id: `u${index}`, ...shape, ...more }),
  ).join('\n');
}

async function ended(source: string): Promise<IngestHandle> {
  const run = await pipeline.start({ source });
  await run.result();
  return run;
}

async function decided(source: string, decision: string): Promise<IngestHandle> {
  const run = await pipeline.start({ source });
  await eventually(`${source} waits`, async () => (await queryStatus(run)).state === 'waiting', 60_000);
  await run.executeUpdate(decision, { args: [{ by: 'ada', reason: 'to be recorded' }] });
  await run.result().catch(() => undefined);
  return run;
}

/** A scheduled run waits for a hundred of its intervals before it gives up, so others are recorded meanwhile. */
async function recordUndecidedMeanwhile(work: () => Promise<void>): Promise<void> {
  const schedule = await pipeline.client.schedule.create({
    scheduleId: `${pipeline.name}-missing`,
    spec: {},
    action: {
      type: 'startWorkflow',
      workflowType: 'ingest',
      taskQueue: pipeline.settings.temporal.taskQueue,
      args: [{ source: 'missing', interval: '1s' }],
    },
  });
  await schedule.trigger();
  await work();
  let workflowId = '';
  const hasEnded = async (): Promise<boolean> => {
    const [latest] = (await schedule.describe()).info.recentActions;
    workflowId = latest?.action.workflow.workflowId ?? '';
    if (workflowId === '') return false;
    return (await pipeline.client.workflow.getHandle(workflowId).describe()).status.name !== 'RUNNING';
  };
  await eventually('nobody decides', hasEnded, DECISION_TIMEOUT_MS);
  await record('undecided', { workflowId });
  await schedule.delete();
}

/** @param runId That of an earlier execution of the run; the latest is recorded unless it is given. */
async function record(name: string, { workflowId }: { workflowId: string }, runId?: string): Promise<void> {
  const history = await pipeline.client.workflow.getHandle(workflowId, runId).fetchHistory();
  blankPrivate(history);
  const encoded = proto.temporal.api.history.v1.History.encode(history).finish();
  await writeFile(join(ROOT, 'test/histories', `${name}.history`), encoded);
  say(`${name}: ${history.events?.length ?? 0} events`);
}

function blankPrivate(value: unknown): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  for (const [name, member] of Object.entries(value)) {
    if (PRIVATE.has(name) && typeof member === 'string') Object.assign(value, { [name]: '' });
    else blankPrivate(member);
  }
}
