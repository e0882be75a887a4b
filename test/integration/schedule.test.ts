import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { ScheduleNotFoundError, WorkflowFailedError, type ScheduleDescription } from '@temporalio/client';
import type { ScheduleView } from '../../client/schedules/view.ts';
import type { IngestResult } from '../../model/run.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import type { ingest } from '../../workflows/index.ts';
import { TestPipeline, eventually } from '../support/harness.ts';

const SEED = 11;
const COUNT = 400;
const HALF_DAY_MS = 43_200_000;

/** Schedules are of the whole server: these sources are this test's alone. */
const UNIQUE = `${process.pid}-${Date.now().toString(36)}`;
const LIVE = `live-${UNIQUE}`;
const TWICE = `twice-${UNIQUE}`;
const WHOLE = `whole-${UNIQUE}`;

interface Asked {
  readonly from: string;
  readonly to: string;
}

describe('schedules', () => {
  let platform: Platform;
  let pipeline: TestPipeline;

  before(async () => {
    platform = await startPlatform({ port: 0, seed: SEED, count: COUNT });
    const interval = 'from={from}&to={to}';
    pipeline = await TestPipeline.create({
      [LIVE]: { url: `${platform.url}/live/attempts?${interval}` },
      [TWICE]: { url: `${platform.url}/twice/attempts?${interval}` },
      [WHOLE]: { url: `${platform.url}/whole/attempts` },
    });
    await pipeline.startWorker();
  });

  after(async () => {
    for (const source of [LIVE, TWICE, WHOLE]) {
      const left = pipeline.client.schedule.getHandle(`ingest-${source}`);
      await left.delete().catch((error: unknown) => {
        assert.ok(error instanceof ScheduleNotFoundError);
      });
    }
    const running = `TaskQueue = '${pipeline.name}' AND ExecutionStatus = 'Running'`;
    for await (const { workflowId } of pipeline.client.workflow.list({ query: running }))
      await pipeline.client.workflow.getHandle(workflowId).terminate('the test is over');
    await pipeline.close();
    await platform.close();
  });

  async function schedule(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await pipeline.command('schedule', ...words);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  }

  async function described(source: string): Promise<ScheduleDescription> {
    return pipeline.client.schedule.getHandle(`ingest-${source}`).describe();
  }

  async function stateOf(source: string): Promise<[boolean, string | undefined]> {
    const { paused, note } = (await described(source)).state;
    return [paused, note];
  }

  /** A run that ends: it can wait for a person instead, which would be for ever. */
  async function resultOf(run: string): Promise<IngestResult> {
    const handle = pipeline.client.workflow.getHandle<typeof ingest>(run);
    await eventually(`${run} ends`, async () => (await handle.describe()).status.name !== 'RUNNING', 60_000);
    return handle.result();
  }

  /** The intervals that the platform was asked for, each once, in order. */
  function asked(path: string): Asked[] {
    const queries = platform.requests.filter((request) => request.path === `/${path}/attempts`);
    return [...new Set(queries.map(({ query }) => query))].map((query) => {
      const parameters = new URLSearchParams(query);
      return { from: parameters.get('from') ?? '', to: parameters.get('to') ?? '' };
    });
  }

  test('a schedule is created, changed, listed, paused, resumed and deleted from the command line', async () => {
    assert.match(
      await schedule('set', WHOLE, '--every', '1h', '--note', 'the first'),
      /^created ingest-whole/,
    );
    const changed = await schedule(
      'set',
      WHOLE,
      '--cron',
      '0 3 * * *',
      '--timezone',
      'Europe/Berlin',
      '--paused',
    );
    assert.match(changed, /^changed ingest-whole.*cron 0 3 \* \* \* \(Europe\/Berlin\)/s);
    const [listed] = (JSON.parse(await schedule('list', '--json')) as ScheduleView[]).filter(
      ({ source }) => source === WHOLE,
    );
    assert.equal(listed?.when, 'cron 0 3 * * * (Europe/Berlin)');
    assert.equal(listed.interval, null);
    assert.equal(listed.overlap, 'SKIP');
    assert.equal(listed.catchupWindow, '3d');
    assert.deepEqual([listed.state, listed.note], ['paused', 'the first']);
    await schedule('resume', WHOLE, '--note', 'moved');
    assert.deepEqual(await stateOf(WHOLE), [false, 'moved']);
    await schedule('pause', WHOLE, '--note', 'moves again');
    assert.deepEqual(await stateOf(WHOLE), [true, 'moves again']);
    await schedule('delete', WHOLE);
    const unknown = await pipeline.command('schedule', 'show', WHOLE);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /^SCHEDULE_UNKNOWN: source "whole-.*" has no schedule/);
  });

  test('an invalid cron expression, and times further apart than the interval, are reported', async () => {
    const refused = await pipeline.command(
      'schedule',
      'set',
      TWICE,
      '--cron',
      '99 * * * *',
      '--interval',
      '1h',
    );
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /SCHEDULE_INVALID: Temporal rejects the schedule/);
    const words = ['--cron', '0 3 * * *', '--timezone', 'Europe/Berlin', '--interval', '1d', '--paused'];
    const apart = await pipeline.command('schedule', 'set', TWICE, ...words);
    assert.equal(apart.code, 0, apart.stderr);
    assert.match(apart.stderr, /warning: twice-.*: no run fetches the 1h from .*T01:00:00Z to .*T02:00:00Z/);
  });

  test('a triggered run of a paused schedule lands, and its interval ends when it was triggered', async () => {
    await schedule('set', TWICE, '--every', '12h', '--paused');
    const run = /^started (\S+)$/m.exec(await schedule('trigger', TWICE))?.[1] ?? '';
    const result = await resultOf(run);
    const to = run.slice(`ingest-${TWICE}-`.length);
    const from = new Date(Date.parse(to) - HALF_DAY_MS).toISOString().replace('.000Z', 'Z');
    assert.deepEqual(result.interval, { from, to });
    assert.deepEqual(asked('twice'), [{ from, to }]);
  });

  test('intervals are contiguous, derive from the scheduled times, and none is lost while a run waits for a decision', async () => {
    await schedule('set', LIVE, '--every', '3s');
    await eventually('two runs asked', () => asked('live').length >= 2);
    platform.arm({ kind: 'status', status: 403 });
    const queued = async (): Promise<number> => Number((await described(LIVE)).raw.info?.bufferSize);
    const waits = async (): Promise<string | undefined> => {
      const query = `TemporalScheduledById = 'ingest-${LIVE}' AND PipelineStep = 'waiting' AND ExecutionStatus = 'Running'`;
      for await (const { workflowId } of pipeline.client.workflow.list({ query })) return workflowId;
      return undefined;
    };
    await eventually('a run waits for a person', async () => (await waits()) !== undefined);
    await eventually('the times that follow are queued', async () => (await queued()) >= 2);
    const before = asked('live').length;
    const retried = await pipeline.command('retry', (await waits()) ?? '');
    assert.equal(retried.code, 0, retried.stderr);
    await eventually('the queued ones asked', () => asked('live').length >= before + 2);
    await schedule('pause', LIVE);
    const idle = async (): Promise<boolean> =>
      (await described(LIVE)).info.runningActions.length === 0 && (await queued()) === 0;
    await eventually('what is queued has run', idle, 60_000);
    const intervals = asked('live');
    for (const [at, { from, to }] of intervals.entries()) {
      assert.equal(Date.parse(to) - Date.parse(from), 3000);
      assert.equal(Date.parse(to) % 3000, 0, 'the interval ends at a scheduled time');
      if (at > 0) assert.equal(from, intervals[at - 1]?.to);
    }
    const { recentActions } = (await described(LIVE)).info;
    assert.equal(recentActions.at(-1)?.scheduledAt.getTime(), Date.parse(intervals.at(-1)?.to ?? ''));
    const paused = Date.now();
    await eventually('two more times have passed', () => Date.now() > paused + 6500);
    assert.deepEqual(asked('live'), intervals);
  });

  test('a backfill runs each interval once; repeated, it runs none', async () => {
    const [from, to] = ['2017-11-22T00:00:00Z', '2017-11-24T12:00:00Z'];
    const words = ['backfill', TWICE, '--from', from, '--to', to, '--part', '2'];
    const known = asked('twice').length;
    assert.match(await schedule(...words), /5 intervals: 0 had run before, 5 ran now, 0 failed/);
    const halves = [
      { from, to: '2017-11-22T12:00:00Z' },
      { from: '2017-11-22T12:00:00Z', to: '2017-11-23T00:00:00Z' },
      { from: '2017-11-23T00:00:00Z', to: '2017-11-23T12:00:00Z' },
      { from: '2017-11-23T12:00:00Z', to: '2017-11-24T00:00:00Z' },
      { from: '2017-11-24T00:00:00Z', to },
    ];
    assert.deepEqual(asked('twice').slice(known), halves);
    await requireLanded(from, to);
    assert.match(await schedule(...words), /5 intervals: 5 had run before, 0 ran now, 0 failed/);
    assert.equal(asked('twice').length, known + 5);
    // Even if Temporal no longer has the runs, or they were started in another way.
    await pipeline.client.schedule
      .getHandle(`ingest-${TWICE}`)
      .backfill({ start: new Date(from), end: new Date('2017-11-22T12:00:00Z'), overlap: 'BUFFER_ALL' });
    const again = pipeline.client.workflow.getHandle(`ingest-${TWICE}-2017-11-22T12:00:00Z`);
    await eventually('it ran again', async () => {
      let completed = 0;
      const query = `WorkflowId = '${again.workflowId}'`;
      for await (const { status } of pipeline.client.workflow.list({ query }))
        completed += status.name === 'COMPLETED' ? 1 : 0;
      return completed === 2;
    });
    assert.equal((await resultOf(again.workflowId)).outcome, 'unchanged');
    await requireLanded(from, to);
  });

  async function requireLanded(from: string, to: string): Promise<void> {
    const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
    const expected = [...generateAttempts({ seed: SEED, count: COUNT, fromMs, toMs })].length;
    assert.ok(expected > 0);
    const sql = `SELECT count(*)::INT AS landed FROM attempts WHERE source = '${TWICE}' AND started_at >= '${from}' AND started_at < '${to}'`;
    const { stdout, stderr } = await pipeline.command('query', '--json', sql);
    assert.deepEqual(JSON.parse(stdout), [{ landed: expected }], stderr);
  }

  test('a backfill that finds a waiting run reports it; repeated, it continues and repeats failed intervals', async () => {
    const words = ['backfill', TWICE, '--from', '2017-11-25', '--to', '2017-11-26', '--part', '1'];
    platform.arm({ kind: 'status', status: 403 });
    const stopped = await pipeline.command('schedule', ...words);
    assert.equal(stopped.code, 3, stopped.stderr);
    const run = `ingest-${TWICE}-2017-11-25T12:00:00Z`;
    assert.ok(stopped.stdout.includes(`${run} waits for a person`), stopped.stdout);
    await pipeline.command('abort', run);
    await assert.rejects(resultOf(run), WorkflowFailedError);
    assert.match(await schedule(...words), /2 intervals: 0 had run before, 2 ran now, 0 failed/);
  });

  test('a run that no schedule started cannot have an interval', async () => {
    const run = await pipeline.start({ source: TWICE, interval: 'PT1H' });
    await assert.rejects(resultOf(run.workflowId), (error) => {
      assert.ok(error instanceof WorkflowFailedError);
      assert.match(error.cause?.message ?? '', /no schedule started this run. Give from and to instead/);
      return true;
    });
  });
});
