/** A client with write access to the Temporal namespace schedules the worker's activities with forged inputs. */
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/client';
import type { Consumed } from '../../activities/consume.ts';
import type { Fetched } from '../../activities/fetch.ts';
import { topicOffsets } from '../../adapters/kafka/client.ts';
import type { Landed } from '../../activities/land.ts';
import { NO_FILES, type StagedTables } from '../../model/references.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { TestPipeline, eventually, type TestWorker } from '../support/harness.ts';
import { QuarantinedTopic, goodAttempts } from '../support/quarantined.ts';
import { Hostile } from './hostile/hostile.ts';
import { DAY, FORGED, Inputs, OUTSIDE, PATHS, SHA } from './hostile/inputs.ts';

const SECRET = 'not for others';
const RECORDS = 40;

let pipeline: TestPipeline;
let worker: TestWorker;
let attacker: Hostile;
let inputs: Inputs;

before(async () => {
  const file = { url: 'file:good.ndjson', format: 'ndjson' };
  pipeline = await TestPipeline.create({ good: { ...file, quarantineLimit: 1 }, other: file });
  const lines = Array.from(generateAttempts({ seed: 5, count: RECORDS }), (attempt) =>
    JSON.stringify(attempt),
  );
  await pipeline.placeFiles({ 'good.ndjson': lines.join('\n') });
  inputs = new Inputs(pipeline.settings.sources['good']?.topic ?? '');
  worker = await pipeline.startWorker();
  attacker = await Hostile.start(pipeline);
  for (const victim of ['victim', join('runs', 'victim')]) {
    await mkdir(join(attacker.staging, victim), { recursive: true });
    await writeFile(join(attacker.staging, victim, 'secret.txt'), SECRET);
  }
});

after(async () => {
  await attacker.close();
  await pipeline.close();
});

async function assertUntouched(): Promise<void> {
  for (const victim of ['victim', join('runs', 'victim')])
    assert.equal(await readFile(join(attacker.staging, victim, 'secret.txt'), 'utf8'), SECRET);
  const { hdfs } = pipeline.warehouse.options;
  assert.equal(await hdfs.status(pipeline.settings.hdfs.warehouse), undefined);
}

describe('a forged input', () => {
  test('cannot name a path outside its own run’s folder', async () => {
    for (const [activity, inputOf] of PATHS) {
      for (const path of OUTSIDE) {
        const { code, message } = await attacker.call(activity, inputOf(inputs, path));
        assert.equal(code, 'INPUT_INVALID', `${activity} ${path}: ${message ?? ''}`);
        assert.match(message ?? '', /path|staged/);
      }
    }
    await assertUntouched();
  });

  for (const [what, activity, input] of FORGED) {
    test(`is rejected by ${activity}: ${what}`, async () => {
      const { code, message } = await attacker.call(activity, input(inputs));
      assert.equal(code, 'INPUT_INVALID', message);
      await assertUntouched();
    });
  }

  test('of more than one argument is rejected', async () => {
    assert.equal((await attacker.call('fetch', { source: 'good' }, {})).code, 'INPUT_INVALID');
  });

  test('cannot follow a symbolic link', async () => {
    await mkdir(attacker.folder, { recursive: true });
    await symlink(join(attacker.staging, 'victim'), join(attacker.folder, 'linked'));
    for (const [activity, inputOf] of PATHS) {
      const { code } = await attacker.call(activity, inputOf(inputs, 'linked/secret.txt'));
      assert.ok(code === 'INPUT_INVALID' || code === 'STAGING_LOST', `${activity}: ${code ?? 'done'}`);
    }
    await assertUntouched();
  });

  test('cannot land, publish or skip anything that this run did not stage', async () => {
    const { result } = await attacker.call('fetch', { source: 'good' });
    const { chunks } = result as Fetched;
    const [first] = chunks;
    assert.ok(first !== undefined);
    await cp(join(attacker.folder, first.path), join(attacker.folder, 'copy'));
    for (const [activity, input] of [
      ['publish', inputs.publishing({}, { ...first, id: `good/ndjson-${SHA}/0of1` })],
      ['publish', inputs.publishing({}, { ...first, path: 'copy' })],
      ['publish', inputs.publishing({}, { ...first, records: 1 })],
      ['land', inputs.landing({ rows: { deliveries: 1 }, staged: [first.path] })],
      ['land', inputs.landing({ staged: [first.path] })],
      ['land', { ...inputs.landing({}), skipped: true }],
      ['transform', { ...inputs.staged({ path: 'content' }), ingestedOn: DAY }],
    ] as const) {
      const { code } = await attacker.call(activity, input);
      assert.ok(code === 'INPUT_INVALID' || code === 'STAGING_LOST', `${activity}: ${code ?? 'done'}`);
    }
    await assertUntouched();
    const offsets = await topicOffsets(pipeline.kafka, inputs.topic).catch(() => []);
    assert.deepEqual(
      offsets.filter(({ end }) => end !== '0'),
      [],
    );
  });

  test('cannot mark unpublished content as ingested', async () => {
    const { result } = await attacker.call('fetch', { source: 'good' });
    const { content } = result as Fetched;
    for (const forged of [content, { ...content, chunks: 2 }, { ...content, chunks: 0, records: 0 }])
      await attacker.call('record', inputs.recording({ content: forged }));
    const unproven = await attacker.call('record', inputs.recording({ content }));
    assert.equal(unproven.code, 'CONTENT_UNPROVEN', unproven.message);
    const run = await pipeline.start({ source: 'good' });
    const ingested = await run.result();
    assert.equal(ingested.outcome, 'landed');
    assert.equal(ingested.rows['attempts'], RECORDS);
  });

  test('cannot leave a gap before the first batch of a partition', async () => {
    const others = new QuarantinedTopic(pipeline, 'other');
    await others.make();
    await others.publishAll(goodAttempts(8, 3));
    const range = inputs.batch({ topic: others.topic, ranges: [{ partition: 0, start: '1', end: '2' }] });
    const consumed = await attacker.call('consume', { batch: range, exact: true });
    const { staged: messages } = consumed.result as Consumed;
    const transformed = await attacker.call('transform', { staged: messages, ingestedOn: DAY });
    for (const land of [
      { tables: transformed.result, skipped: false },
      { ...inputs.landing({ batch: messages.batch, staged: [messages.path] }), skipped: true },
    ]) {
      const { code, message } = await attacker.call('land', land);
      assert.equal(code, 'OFFSETS_MOVED', message);
      assert.match(message ?? '', /would leave a gap/);
    }
    const result = await (await pipeline.start({ source: 'other' })).result();
    assert.equal(result.rows['attempts'], RECORDS + 3);
  });

  test('can only land transformed rows, once', async () => {
    const range = { batch: inputs.batch(), exact: true };
    const consumed = (await attacker.call('consume', range)).result as Consumed;
    const transformed = await attacker.call('transform', { staged: consumed.staged, ingestedOn: DAY });
    const tables = transformed.result as StagedTables;
    const [folder = ''] = tables.staged;
    for (const forged of [{ files: NO_FILES.files }, { rows: {} }, { sources: [] }]) {
      const { code } = await attacker.call('land', { tables: { ...tables, ...forged }, skipped: false });
      assert.equal(code, 'INPUT_INVALID');
    }
    const list = await readFile(join(attacker.folder, folder, 'files.json'), 'utf8');
    assert.equal((JSON.parse(list) as { files: unknown[] }).files.length, tables.files.count);
    const landed = await attacker.call('land', { tables, skipped: false });
    assert.equal((landed.result as Landed).outcome, 'landed-before');
    const verified = await pipeline.command('verify');
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  });
});

describe('an invalid request', () => {
  const long = 'x'.repeat(1_000_000);
  const requests: readonly [what: string, args: unknown[], says: RegExp, workflowId?: string][] = [
    ['nothing', [], /must be a JSON object/],
    ['null', [null], /must be a JSON object/],
    ['a long list', [Array.from({ length: 200_000 }, () => 0)], /must be a JSON object/],
    ['a source that is no text', [{ source: { toString: 1, valueOf: 1 } }], /must name a source, as text/],
    ['a source that is a path', [{ source: '../good' }], /must name a source of pipeline.yaml/],
    ['a key of a prototype', [JSON.parse('{"source": "good", "__proto__": {}}')], /has the key "__proto__"/],
    ['a long key', [{ source: 'good', [long]: 1 }], /has the key "x{98}…; there are/],
    ['a time with more beside it', [{ source: 'good', from: '2026 (a, b)' }], /it must be a time, as/],
    ['a long time', [{ source: 'good', to: `2026 (${long})` }], /has to = "2026 \(x{92}…; it must be/],
    ['a long yes', [{ source: 'good', again: long }], /has again = "x{98}…; it must be true or false/],
    ['a negative interval', [{ source: 'good', interval: '-1h' }], /it must be a duration/],
    ['a huge interval', [{ source: 'good', interval: 'P999999D' }], /at most 100 years/],
    ['a number of hours', [{ source: 'good', interval: 1e300 }], /it must be a duration/],
    ['a long workflow id', [{ source: 'good' }], /has a workflow id of 2\d\d characters/, 'é'.repeat(40)],
  ];

  for (const [what, args, says, workflowId = ''] of requests) {
    test(`is rejected at once: ${what}`, async () => {
      const run = await pipeline.client.workflow.start('ingest', {
        taskQueue: pipeline.settings.temporal.taskQueue,
        workflowId: `${pipeline.name}-request-${performance.now()}${workflowId}`,
        args,
      });
      await assert.rejects(run.result(), ({ cause }: Error) => {
        assert.ok(cause instanceof ApplicationFailure);
        assert.equal(cause.type, 'REQUEST_INVALID');
        assert.match(cause.message, says);
        return true;
      });
    });
  }
});

describe('a run that is started with the input of a continued run', () => {
  const carried = {
    status: {
      source: 'good',
      topic: '',
      content: { format: 'ndjson', sha256: SHA, records: 1, bytes: 1, chunks: 1 },
    },
    startedAt: `${DAY}T00:00:00.000Z`,
    decisionTimeout: null,
    published: { ends: {}, isUnchanged: false },
    until: {},
  };

  async function refusedRun(runId: string, workflowId: string): Promise<void> {
    const failures = async (): Promise<(string | null | undefined)[]> => {
      const { events } = await pipeline.client.workflow.getHandle(workflowId, runId).fetchHistory();
      return (events ?? []).flatMap(({ workflowExecutionFailedEventAttributes: failed }) =>
        failed ? [failed.failure?.message] : [],
      );
    };
    await eventually('the run fails', async () => (await failures()).length > 0);
    assert.match((await failures())[0] ?? '', /only a run that continues itself can have/);
  }

  test('is rejected, and so is the next one of a cron schedule', async () => {
    const run = await pipeline.client.workflow.start('ingest', {
      taskQueue: pipeline.settings.temporal.taskQueue,
      workflowId: `${pipeline.name}-carried`,
      args: [{ source: 'good' }, carried],
      cronSchedule: '@every 1s',
    });
    const latest = pipeline.client.workflow.getHandle(run.workflowId);
    await refusedRun(run.firstExecutionRunId, run.workflowId);
    let runId = run.firstExecutionRunId;
    await eventually('the schedule starts another', async () => {
      ({ runId } = await latest.describe());
      return runId !== run.firstExecutionRunId;
    });
    await refusedRun(runId, run.workflowId);
    await latest.terminate();
  });

  test('is refused where it is retried, since its first attempt timed out before a worker had it', async () => {
    worker.signal('SIGSTOP');
    const run = await pipeline.client.workflow
      .start('ingest', {
        taskQueue: pipeline.settings.temporal.taskQueue,
        workflowId: `${pipeline.name}-retried`,
        args: [{ source: 'good' }, carried],
        workflowRunTimeout: '2s',
        workflowExecutionTimeout: '1m',
        retry: { initialInterval: '1s', backoffCoefficient: 1 },
      })
      .finally(async () => {
        await setTimeout(2_500);
        worker.signal('SIGCONT');
      });
    await assert.rejects(run.result(), ({ cause }: Error) => {
      assert.ok(cause instanceof ApplicationFailure, String(cause));
      assert.match(cause.message, /only a run that continues itself can have/);
      return true;
    });
    const { raw } = await pipeline.client.workflow.getHandle(run.workflowId).describe();
    assert.notEqual(raw.workflowExecutionInfo?.execution?.runId, run.firstExecutionRunId);
  });
});
