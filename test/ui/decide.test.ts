import assert from 'node:assert/strict';
import test, { after, afterEach, before, describe } from 'node:test';
import { generateAttempts } from '../../simulator/generator.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { SERVERS, TestPipeline, queryStatus } from '../support/harness.ts';
import { uiSkipReason } from './chromium.ts';
import { TemporalUi } from './temporal-ui.ts';

const COUNT = 20;

describe('a run that waits for a person, in the Temporal UI', { skip: uiSkipReason() }, () => {
  let pipeline: TestPipeline;
  let platform: Platform;
  let ui: TemporalUi;

  before(async () => {
    platform = await startPlatform({ count: COUNT });
    pipeline = await TestPipeline.create({
      once: { url: `${platform.url}/once/attempts` },
      strange: { url: 'file:strange.json', quarantineLimit: 0.05 },
      never: { url: `${platform.url}/attempts?fault=status&status=403` },
    });
    await pipeline.placeFiles({
      'strange.json': JSON.stringify([...generateAttempts({ seed: 5, count: 3 }), {}]),
    });
    platform.arm({ kind: 'status', status: 403, path: '/once/attempts' });
    [ui] = await Promise.all([TemporalUi.open(SERVERS.temporalUi), pipeline.startWorker()]);
  });

  after(async () => {
    await ui.close();
    await pipeline.close();
    await platform.close();
  });

  afterEach(() => {
    assert.deepEqual(ui.errors, [], 'the page had errors');
  });

  async function start(source: string): Promise<string> {
    const workflowId = `${pipeline.name}-${source}`;
    await ui.start({ workflowId, taskQueue: pipeline.name, input: JSON.stringify({ source }) });
    return workflowId;
  }

  test('its details and its status show the failed step, the cause and the advice', async () => {
    await start('once');
    const details = await ui.currentDetails(/waits for a person/);
    assert.match(details, /once → …: waits for a person at fetch of source once/);
    assert.match(details, /SOURCE_REFUSED: source once: the server answered 403 Forbidden/);
    assert.match(details, /Check the source’s url and credentials with the customer\./);
    assert.match(details, /Then send the update retry or abort/);
    const status = await ui.query('status', '"state"');
    assert.match(status, /"state": "waiting"/);
    assert.match(status, /"code": "SOURCE_REFUSED"/);
    assert.match(status, /"canSkip": false/);
  });

  test('the search attribute of waiting runs finds it', async () => {
    // The page has read the run's attributes when it was opened; the person who looks for waiting runs opens it now.
    await ui.page.reload();
    await ui.openTab('Search Attributes');
    assert.match(await ui.json('PipelineStep'), /"PipelineStep": "waiting"/);
  });

  test('an impossible skip is rejected, and the dialog shows the reason', async () => {
    await ui.sendUpdate('skip');
    assert.equal(await ui.refusal(), 'source once cannot be skipped: retry or abort');
    await ui.waitForStatus('Running');
  });

  test('a retry after the cause is fixed lands it', async () => {
    await ui.sendUpdate('retry');
    await ui.waitForStatus('Completed');
    assert.match(await ui.currentDetails(/landed in 1 batch/), new RegExp(`attempts ${COUNT}`));
    const status = await queryStatus(pipeline.client.workflow.getHandle(`${pipeline.name}-once`));
    assert.deepEqual([status.state, status.rows['attempts']], ['landed', COUNT]);
  });

  test('an abort ends it, and the page shows at which step', async () => {
    const workflowId = await start('never');
    await ui.currentDetails(/waits for a person/);
    await ui.sendUpdate('abort');
    await ui.waitForStatus('Failed');
    assert.match(
      await ui.currentDetails(/failed at fetch/),
      /aborted by a person at fetch: source never: the server answered 403/,
    );
    const { state } = await queryStatus(pipeline.client.workflow.getHandle(workflowId));
    assert.equal(state, 'failed');
    const { stdout } = await pipeline.command('status', workflowId);
    assert.match(stdout, /never failed at fetch: aborted by a person/);
  });

  test('a possible skip lets it continue, and the page shows what was skipped', async () => {
    const workflowId = await start('strange');
    const details = await ui.currentDetails(/waits for a person/);
    assert.match(details, /QUARANTINE_LIMIT/);
    assert.match(details, /Then send the update retry, skip or abort/);
    await ui.sendUpdate('skip');
    await ui.waitForStatus('Completed');
    const passed = await ui.currentDetails(/landed in 1 batch/);
    assert.match(passed, /went past the quarantine limit at fetch: source strange/);
    assert.match(passed, /In quarantine:\s+1 at transform: keen_id is missing/);
    const { rows } = await queryStatus(pipeline.client.workflow.getHandle(workflowId));
    assert.deepEqual([rows['attempts'], rows['quarantine']], [3, 1]);
  });
});
