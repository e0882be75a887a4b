import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { generateAttempts } from '../../simulator/generator.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { SERVERS, TestPipeline, queryStatus } from '../support/harness.ts';
import { uiSkipReason } from './chromium.ts';
import { TemporalUi } from './temporal-ui.ts';

const COUNT = 50;

/** Mistakes in the form, and the error on the run's page. */
const WRONG: Record<string, { input: string; says: RegExp }> = {
  'no source': { input: '{"from": null}', says: /the request must name a source, as text/ },
  'a text': {
    input: '"pearson"',
    says: /the request must be a JSON object. An example: \{"source": "pearson"\}/,
  },
  'a URL in place of a name': {
    input: '{"source": "http://127.0.0.1/attempts"}',
    says: /must name a source of pipeline.yaml; a name is never a URL/,
  },
  'a source that is not there': {
    input: '{"source": "nobody"}',
    says: /there is no source "nobody"; the sources are: pearson/,
  },
};

describe('the start form of the Temporal UI', { skip: uiSkipReason() }, () => {
  let pipeline: TestPipeline;
  let platform: Platform;
  let ui: TemporalUi;

  before(async () => {
    platform = await startPlatform({ count: COUNT });
    pipeline = await TestPipeline.create({ pearson: { url: `${platform.url}/attempts` } });
    [ui] = await Promise.all([TemporalUi.open(SERVERS.temporalUi), pipeline.startWorker()]);
  });

  after(async () => {
    await ui.close();
    await pipeline.close();
    await platform.close();
  });

  async function start(name: string, input: string): Promise<string> {
    const workflowId = `${pipeline.name}-${name}`;
    await ui.start({ workflowId, taskQueue: pipeline.name, input });
    return workflowId;
  }

  test('starts a run, whose page shows Completed when it has landed', async () => {
    const workflowId = await start('started-here', '{"source": "pearson"}');
    await ui.waitForStatus('Completed');
    const status = await queryStatus(pipeline.client.workflow.getHandle(workflowId));
    assert.deepEqual([status.state, status.rows['attempts']], ['landed', COUNT]);
    const { stdout } = await pipeline.command('query', '--json', 'SELECT count(*) AS n FROM attempts');
    assert.deepEqual(JSON.parse(stdout), [{ n: COUNT }]);
  });

  test('the details of that run show what each step did', async () => {
    const details = await ui.currentDetails(/landed in 1 batch/);
    const rows = details.split('\n').map((line) => line.split('\t').map((cell) => cell.trim()));
    for (const step of ['fetch', 'publish', 'consume', 'transform', 'land']) {
      const [, recordsIn, recordsOut, quarantined] = rows.find(([name]) => name === step) ?? [];
      assert.deepEqual([recordsIn, recordsOut, quarantined], [String(COUNT), String(COUNT), '0'], step);
    }
    assert.match(details, new RegExp(`Rows landed: .*attempts ${COUNT}`));
  });

  test('its activities have summaries', async () => {
    await ui.openTab('History');
    await ui.page.getByRole('button', { name: 'Compact' }).click();
    const table = ui.page.getByRole('table').last();
    await table.getByText('chunk 1 of 1').waitFor();
    const shown = await table.innerText();
    for (const about of [
      /fetch[^]*source pearson/,
      /publish[^]*chunk 1 of 1: 50 records/,
      /consume[^]*up to \d+ offsets of \d partitions?/,
      /transform[^]*50 messages/,
      /land[^]*50 records as 4 files/,
    ])
      assert.match(shown, about);
  });

  test('its search attributes name the source, the step and the counts', async () => {
    await ui.openTab('Search Attributes');
    const { indexedFields } = JSON.parse(await ui.json('PipelineSource')) as {
      indexedFields: Record<string, unknown>;
    };
    const { PipelineSource, PipelineStep, ...counts } = indexedFields;
    assert.deepEqual([PipelineSource, PipelineStep], ['pearson', 'landed']);
    assert.equal(counts['PipelineRecordsIn'], COUNT);
    assert.equal(counts['PipelineRecordsLanded'], COUNT);
    assert.equal(counts['PipelineRecordsQuarantined'], 0);
  });

  test('the page shows no contents of records', async () => {
    const seen = await ui.answers();
    for (const known of [/"outcome":"landed"/, /chunk 1 of 1/, /Rows landed/])
      assert.match(seen, known, 'what came was read');
    for (const { keen_id, user_exam_id, base_exam_id, exam_name } of generateAttempts({
      seed: 1,
      count: COUNT,
    })) {
      for (const value of [keen_id, user_exam_id, base_exam_id, exam_name])
        assert.ok(!seen.includes(value), `${value} is there`);
    }
  });

  for (const [mistake, { input, says }] of Object.entries(WRONG)) {
    test(`${mistake}: the run fails at once, and its page shows the error`, async () => {
      await start(mistake.replaceAll(' ', '-'), input);
      await ui.waitForStatus('Failed');
      // As JSON, a text has its quotes escaped.
      assert.match((await ui.json('"message"')).replaceAll('\\"', '"'), says);
    });
  }

  test('the page logged no errors', () => {
    assert.deepEqual(ui.errors, []);
  });
});
