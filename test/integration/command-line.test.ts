import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { hostname, userInfo } from 'node:os';
import test, { after, before, describe } from 'node:test';
import { EXIT } from '../../client/cli/exit.ts';
import { RUN_STATES, listRuns, type RunFilter, type RunRow } from '../../client/runs/runs.ts';
import type { RunStatus } from '../../model/run.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { ROOT, TestPipeline, eventually } from '../support/harness.ts';

const COUNT = 40;

/** Schedules are kept by the name of their source, for all pipelines of a Temporal. */
const DAILY = `daily-${Date.now().toString(36)}`;

interface Started {
  readonly run: string;
  readonly source: string;
  readonly url: string;
  readonly status?: RunStatus;
}

describe('the command line', () => {
  let platform: Platform;
  let pipeline: TestPipeline;
  let landed: Started;
  let waiting: Started;

  before(async () => {
    platform = await startPlatform({ port: 0, seed: 5, count: COUNT });
    pipeline = await TestPipeline.create({
      good: { url: `${platform.url}/attempts` },
      bad: { url: `${platform.url}/attempts?fault=status&status=403` },
      stalled: { url: `${platform.url}/attempts?fault=stall` },
      [DAILY]: { url: `${platform.url}/attempts?from={from}&to={to}&count=3` },
    });
    await pipeline.startWorker();
  });

  after(async () => {
    await pipeline.close();
    await platform.close();
  });

  /** Returns the JSON of a command with --json: all that it writes to standard output. */
  async function json<T>(code: number, ...words: string[]): Promise<T> {
    const ended = await pipeline.command(...words, '--json');
    assert.equal(ended.code, code, `${words.join(' ')}: ${ended.stderr}`);
    return JSON.parse(ended.stdout) as T;
  }

  /** Temporal lists what happened with a little delay. */
  async function listed(holds: (rows: RunRow[]) => boolean, ...words: string[]): Promise<RunRow[]> {
    let rows: RunRow[] = [];
    await eventually(`list ${words.join(' ')}`, async () => {
      rows = await json<RunRow[]>(EXIT.ok, 'list', ...words);
      return holds(rows);
    });
    return rows;
  }

  test('start --follow prints the status of a completed run, and exits with 0', async () => {
    landed = await json<Started>(EXIT.ok, 'start', 'good', '--follow');
    assert.equal(landed.source, 'good');
    assert.equal(landed.status?.state, 'landed');
    assert.equal(landed.status.steps.land.recordsOut, COUNT);
    assert.ok(landed.url.includes(landed.run));
  });

  test('a run’s memo has its request and the requester', async () => {
    const run = await pipeline.client.workflow.getHandle(landed.run).describe();
    assert.equal(await run.staticSummary(), 'ingest good');
    const { username } = userInfo();
    assert.deepEqual(run.memo, { request: { source: 'good' }, startedBy: `${username}@${hostname()}` });
  });

  test('start --follow prints what a waiting run waits for, and exits with 3', async () => {
    waiting = await json<Started>(EXIT.waiting, 'start', 'bad', '--follow');
    assert.equal(waiting.status?.waiting?.code, 'SOURCE_REFUSED');
    const status = await json<RunStatus>(EXIT.ok, 'status', waiting.run);
    assert.deepEqual(status.waiting, waiting.status.waiting);
  });

  test('the runs are listed, the newest first, and one that waits for a person as waiting', async () => {
    const [newest, oldest, ...more] = await listed(([first]) => first?.state === 'waiting');
    assert.deepEqual(more, [], 'runs of other pipelines are none of ours');
    assert.equal(newest?.run, waiting.run);
    assert.deepEqual([newest.source, newest.step, newest.landed, newest.ended], ['bad', null, null, null]);
    assert.equal(oldest?.run, landed.run);
    const { source, step, state, landed: records, quarantined, ended, started, tookSeconds } = oldest;
    assert.deepEqual(
      { source, step, state, records, quarantined },
      { source: 'good', step: 'landed', state: 'completed', records: COUNT, quarantined: 0 },
    );
    assert.equal(tookSeconds, (Date.parse(ended ?? '') - Date.parse(started)) / 1000);
    const { stdout } = await pipeline.command('list');
    assert.match(stdout, /│ run +│ source │ step +│ state +│ landed │ quarantined │ started +│ took +│/);
    assert.match(stdout, new RegExp(`│ ${landed.run} │ good +│ landed │ completed │ +${COUNT} │ +0 │ 20`));
  });

  test('the list is filtered by source, state and start time, and limited', async () => {
    const runs = async (filter: Partial<RunFilter>): Promise<string[]> =>
      (await listRuns(pipeline.client, pipeline.settings, { limit: 10, ...filter })).map(({ run }) => run);
    assert.deepEqual(await runs({ source: 'good' }), [landed.run]);
    assert.deepEqual(await runs({ state: 'running' }), [], 'what waits is not said to run');
    assert.deepEqual(await runs({ state: 'completed', since: new Date(Date.now() - 3_600_000) }), [
      landed.run,
    ]);
    assert.deepEqual(await runs({ since: new Date('2126-01-01') }), []);
    assert.deepEqual(await runs({ limit: 1 }), [waiting.run]);
    for (const state of RUN_STATES) {
      const found = { waiting: [waiting.run], completed: [landed.run] };
      assert.deepEqual(
        await runs({ state }),
        state in found ? found[state as keyof typeof found] : [],
        state,
      );
    }
    const words = ['--source', 'bad', '--state', 'waiting', '--since', '1h', '--limit', '3'];
    const [row, ...more] = await json<RunRow[]>(EXIT.ok, 'list', ...words);
    assert.deepEqual([row?.run, more], [waiting.run, []]);
    assert.equal((await pipeline.command('list', '--state', 'failed')).stdout, 'no runs\n');
  });

  test('status without a run shows the output of list', async () => {
    assert.deepEqual(
      (await json<RunRow[]>(EXIT.ok, 'status')).map(({ run }) => run),
      [waiting.run, landed.run],
    );
  });

  test('a decision is confirmed; for a run that does not wait or exist the command exits with 1', async () => {
    assert.deepEqual(await json(EXIT.ok, 'abort', waiting.run), { run: waiting.run, decision: 'abort' });
    const [aborted] = await listed(([run]) => run?.state === 'failed', '--source', 'bad');
    assert.notEqual(aborted?.ended, null);
    for (const words of [
      ['retry', waiting.run],
      ['status', 'nobody'],
    ]) {
      const { code, stdout, stderr } = await pipeline.command(...words, '--json');
      assert.deepEqual([code, stdout], [EXIT.failed, ''], words.join(' '));
      assert.equal((JSON.parse(stderr) as { code: string }).code, 'RUN_UNKNOWN');
    }
  });

  test('start --follow prints the status of a failed run, and exits with 1', async () => {
    const following = pipeline.command('start', 'stalled', '--follow', '--json');
    const [run] = await listed(([first]) => first?.step === 'fetch', '--state', 'running');
    await pipeline.client.workflow.getHandle(run?.run ?? '').terminate('by a test');
    const { code, stdout, stderr } = await following;
    assert.equal(code, EXIT.failed);
    assert.equal((JSON.parse(stdout) as Started).status?.step, 'fetch');
    assert.match(stderr.trimEnd().split('\n').at(-1) ?? '', /^\{"code":"RUN_FAILED","message":/);
  });

  test('a run is followed by progress bars in a terminal, from a second one too; Ctrl-C does not stop the run', async () => {
    const run = await pipeline.start({ source: 'stalled' });
    const command = `node bin/pipeline.js status ${run.workflowId} --follow`;
    const child = spawn('script', ['-qec', `stty rows 40 cols 120; exec ${command}`, '/dev/null'], {
      cwd: ROOT,
      env: { ...process.env, PIPELINE_CONFIG: pipeline.settingsFile },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let shown = '';
    child.stdout.on('data', (piece: Buffer) => (shown += piece.toString('utf8')));
    await eventually('the bars are shown', () =>
      Promise.resolve(/stalled: fetch[^]*fetch +·{24}/.test(shown)),
    );
    const { stdout } = spawnSync('pgrep', ['-f', `^node.* status ${run.workflowId} --follow`], {
      encoding: 'utf8',
    });
    process.kill(Number(stdout.trim()), 'SIGINT');
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 130);
    assert.match(shown, new RegExp(`${run.workflowId} keeps running; to follow it again: pipeline status`));
    assert.equal((await run.describe()).status.name, 'RUNNING');
    await run.terminate('by a test');
  });

  test('status --follow ends with the run’s status, and requires a run', async () => {
    const ended = await json<RunStatus>(EXIT.ok, 'status', landed.run, '--follow');
    assert.equal(ended.state, 'landed');
    const { code, stderr } = await pipeline.command('status', '--follow');
    assert.equal(code, EXIT.usage);
    assert.match(stderr, /^USAGE_INVALID: --follow shows one run/);
  });

  test('an interval is required if the url has one, and is validated', async () => {
    const without = await pipeline.command('start', DAILY);
    assert.equal(without.code, EXIT.usage);
    assert.match(without.stderr, /^USAGE_INVALID: the url of source daily-\w+ has \{from\}: give --from/);
    const turned = ['start', DAILY, '--from', '2026-01-02', '--to', '2026-01-01'];
    assert.match((await pipeline.command(...turned)).stderr, /--from .* must be before --to/);
    const { status } = await json<Started>(
      ...([EXIT.ok, 'start', DAILY, '--from', '2017-12-01', '--to', '2017-12-02T12:00+01:00'] as const),
      '--follow',
    );
    assert.deepEqual(status?.interval, { from: '2017-12-01T00:00:00Z', to: '2017-12-02T11:00:00Z' });
  });

  test('each subcommand of schedule prints JSON', async () => {
    const source = DAILY;
    const schedule = `ingest-${source}`;
    type Done = Record<string, unknown>;
    const set = await json<Done>(EXIT.ok, 'schedule', 'set', source, '--every', '1d', '--paused');
    assert.deepEqual([set['done'], set['when'], set['state']], ['created', 'every 1d', 'paused']);
    const paused = await json<Done>(EXIT.ok, 'schedule', 'pause', source);
    assert.deepEqual(paused, { done: 'paused', source, schedule });
    assert.deepEqual(await json<Done>(EXIT.ok, 'schedule', 'resume', source), { ...paused, done: 'resumed' });
    const started = await json<Started>(EXIT.ok, 'schedule', 'trigger', source);
    assert.ok(started.run.startsWith(schedule));
    const run = await pipeline.client.workflow.getHandle(started.run).describe();
    assert.equal(await run.staticSummary(), `ingest ${source}, the P1D before its time`);
    assert.equal(run.memo?.['startedBy'], `schedule ${schedule}`);
    const range = ['--from', '2026-01-01', '--to', '2026-01-03'];
    assert.deepEqual(await json<Done>(EXIT.ok, 'schedule', 'backfill', source, ...range), {
      ...{ source, intervals: 2, before: 0, completed: 2, failed: [], waiting: null },
    });
    assert.equal((await json<Done>(EXIT.ok, 'schedule', 'show', source))['source'], source);
    const schedules = await json<Done[]>(EXIT.ok, 'schedule', 'list');
    assert.ok(schedules.some((one) => one['source'] === source));
    assert.deepEqual(await json<Done>(EXIT.ok, 'schedule', 'delete', source), { ...paused, done: 'deleted' });
  });

  test('tables, answers and verify print JSON', async () => {
    const { tables } = await json<{ tables: unknown[] }>(EXIT.ok, 'tables');
    assert.ok(tables.length > 0);
    assert.ok('overview' in (await json<object>(EXIT.ok, 'answers')));
    assert.equal((await json<{ verified: boolean }>(EXIT.ok, 'verify')).verified, true);
  });
});
