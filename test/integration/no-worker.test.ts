import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { EXIT } from '../../client/cli/exit.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { ROOT, TestPipeline, eventually } from '../support/harness.ts';

describe('a run without a worker', () => {
  let platform: Platform;
  let pipeline: TestPipeline;

  before(async () => {
    platform = await startPlatform({ port: 0, count: 20 });
    pipeline = await TestPipeline.create({ customer: { url: `${platform.url}/attempts` } });
  });

  after(async () => {
    await pipeline.close();
    await platform.close();
  });

  test('that has ended is not waited for', async () => {
    const run = await pipeline.start({ source: 'customer' });
    await run.terminate('by a test');
    const { code, stderr } = await pipeline.command('status', run.workflowId, '--follow');
    assert.equal(code, EXIT.failed);
    assert.match(stderr, /^WORKER_MISSING: no worker of the task queue /m);
  });

  test('is reported to wait for one, and continues when it starts; --follow shows both', async () => {
    const words = [join(ROOT, 'bin/pipeline.js'), 'start', 'customer', '--follow'];
    const child = spawn(process.execPath, words, {
      env: { ...process.env, PIPELINE_CONFIG: pipeline.settingsFile },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [answer, shown] = ['', ''];
    child.stdout.on('data', (piece: Buffer) => (answer += piece.toString('utf8')));
    child.stderr.on('data', (piece: Buffer) => (shown += piece.toString('utf8')));
    await eventually('it is said that there is no worker', () =>
      Promise.resolve(
        shown.includes(`no worker of the task queue ${pipeline.name} answered`) &&
          shown.includes('npm run worker'),
      ),
    );
    const [, run = ''] = /^started (\S+)/.exec(answer) ?? [];
    const asked = await pipeline.command('status', run);
    assert.equal(asked.code, EXIT.failed);
    assert.match(asked.stderr, /^WORKER_MISSING: no worker of the task queue .*\n.*npm run worker/);
    await pipeline.startWorker();
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, EXIT.ok, shown);
    assert.match(answer, /customer landed/);
  });
});
