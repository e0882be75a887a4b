import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { formatActions } from '../../adapters/delta/actions.ts';
import { entryFile } from '../../adapters/delta/log-paths.ts';
import type { Content } from '../../model/references.ts';
import type { IngestResult, RunStatus } from '../../model/run.ts';
import { contentTransaction } from '../../steps/landing/transaction-ids.ts';
import { runs } from '../../tables/index.ts';
import { deleteMarkers } from '../support/markers.ts';
import { QuarantinedTopic, badAttempts, goodAttempts } from '../support/quarantined.ts';
import {
  ROOT,
  TestPipeline,
  eventually,
  queryStatus,
  type IngestHandle,
  type TestWorker,
} from '../support/harness.ts';

const RECORDS = 30;

/** A feed whose format was set wrongly at first. */
const CORRECTED = join(ROOT, '..', 'shared', 'cases', 'feeds', 'format-corrected-later.json');

describe(
  'a content whose format is corrected',
  { skip: existsSync(CORRECTED) ? false : `no ${CORRECTED}` },
  () => {
    let pipeline: TestPipeline;
    let worker: TestWorker;
    let records: number;

    before(async () => {
      pipeline = await TestPipeline.create({ feed: { url: 'file:feed.json', format: 'ndjson' } });
      const content = await readFile(CORRECTED);
      records = (JSON.parse(content.toString()) as unknown[]).length;
      await pipeline.placeFiles({ 'feed.json': content });
      worker = await pipeline.startWorker();
    });

    after(() => pipeline.close());

    /** Replaces the worker by one with other settings. */
    async function replaceWorker(host: string, change: (yaml: string) => string): Promise<void> {
      await worker.kill();
      const file = join(pipeline.folder, `changed-${host}.yaml`);
      await writeFile(file, change(await readFile(await pipeline.settingsOf(host), 'utf8')));
      worker = await pipeline.startWorker(host, { PIPELINE_CONFIG: file });
    }

    function corrected(yaml: string): string {
      return yaml.replace('format: ndjson', 'format: json-array');
    }

    test('is rejected while the format is wrong', async () => {
      const run = await pipeline.start({ source: 'feed' });
      await eventually('the run ends or waits', async () => {
        const { state } = await queryStatus(run);
        return state !== 'running';
      });
      if ((await queryStatus(run)).state === 'waiting') {
        await run.executeUpdate('abort');
        await assert.rejects(run.result());
      } else assert.equal((await run.result()).rows['attempts'], 0);
    });

    test('lands in a new warehouse', async () => {
      const { warehouse } = pipeline.settings.hdfs;
      await replaceWorker('new', (yaml) => corrected(yaml).replace(warehouse, `${warehouse}/new`));
      const result = await (await pipeline.start({ source: 'feed' })).result();
      assert.equal(result.outcome, 'landed');
      assert.equal(result.rows['attempts'], records);
    });

    test('lands in the warehouse that it was ingested into', async () => {
      await replaceWorker('same', corrected);
      const result = await (await pipeline.start({ source: 'feed' })).result();
      assert.equal(result.outcome, 'landed');
      assert.equal(result.rows['attempts'], records);
      const again = await (await pipeline.start({ source: 'feed' })).result();
      assert.equal(again.outcome, 'unchanged');
      const verified = await pipeline.command('verify');
      assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    });
  },
);

describe('a content that is ingested again', () => {
  let pipeline: TestPipeline;

  before(async () => {
    // A topic of its own, since a test deletes all markers.
    const kafka = { markerTopic: `markers-again-${process.pid}-${Date.now()}` };
    pipeline = await TestPipeline.create(
      {
        feed: { url: 'file:feed.ndjson', format: 'ndjson' },
        late: { url: 'file:late.ndjson', format: 'ndjson', quarantineLimit: 0 },
        filled: {},
      },
      { kafka },
    );
    const lines = goodAttempts(3, RECORDS).map((attempt) => JSON.stringify(attempt));
    await pipeline.placeFiles({ 'feed.ndjson': lines.join('\n') });
    await pipeline.startWorker();
  });

  after(() => pipeline.close());

  async function run(): Promise<IngestResult> {
    return (await pipeline.start({ source: 'feed' })).result();
  }

  async function waits(handle: IngestHandle, code: string): Promise<RunStatus> {
    await eventually(`the run waits for ${code}`, async () => {
      const { state, waiting } = await queryStatus(handle);
      assert.ok(state === 'running' || state === 'waiting', `it is ${state}`);
      return waiting?.code === code;
    });
    return queryStatus(handle);
  }

  async function count(table: string): Promise<number> {
    const { stdout } = await pipeline.command('query', '--json', `SELECT count(*) AS n FROM ${table}`);
    return (JSON.parse(stdout) as { n: number }[])[0]?.n ?? -1;
  }

  test('is unchanged unless the request has again', async () => {
    assert.equal((await run()).rows['attempts'], RECORDS);
    assert.equal((await run()).outcome, 'unchanged');
    const unconfirmed = await pipeline.command('start', 'feed', '--again');
    assert.notEqual(unconfirmed.code, 0);
    assert.match(unconfirmed.stderr, /USAGE_INVALID: .*--yes/);
    const nothing = await pipeline.command('start', 'filled', '--again', '--yes');
    assert.match(nothing.stderr, /USAGE_INVALID: source filled has no url/);
    assert.equal(await count('deliveries'), RECORDS);
  });

  test('lands again, and is unchanged afterwards', async () => {
    for (const times of [2, 3]) {
      const again = await pipeline.command('start', 'feed', '--again', '--yes', '--follow');
      assert.equal(again.code, 0, again.stdout + again.stderr);
      assert.equal(await count('deliveries'), times * RECORDS);
    }
    assert.equal(await count('attempts_deduplicated'), RECORDS);
    assert.equal((await run()).outcome, 'unchanged');
    const verified = await pipeline.command('verify');
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  });

  test('that was ingested with again for the first time is unchanged afterwards', async () => {
    const lines = goodAttempts(4, RECORDS).map((attempt) => JSON.stringify(attempt));
    await pipeline.placeFiles({ 'feed.ndjson': lines.join('\n') });
    const first = await (await pipeline.start({ source: 'feed', again: true })).result();
    assert.equal(first.rows['attempts'], RECORDS);
    assert.equal((await run()).outcome, 'unchanged');
  });

  test('requires the value true', async () => {
    const asked = await pipeline.client.workflow.start('ingest', {
      taskQueue: pipeline.settings.temporal.taskQueue,
      workflowId: `${pipeline.name}-again`,
      args: [{ source: 'feed', again: 'yes' }],
    });
    await assert.rejects(asked.result(), ({ cause }: Error) =>
      String(cause).includes('must be true or false'),
    );
  });

  test('is not marked as ingested after a skip, if its markers expired while the run waited', async () => {
    const lines = goodAttempts(6, RECORDS).map((attempt) => JSON.stringify(attempt));
    await pipeline.placeFiles({ 'late.ndjson': lines.join('\n') });
    const others = new QuarantinedTopic(pipeline, 'late');
    await others.make();
    await others.publishAll(badAttempts(7, 1));
    const late = await pipeline.start({ source: 'late' });
    const { content } = await waits(late, 'QUARANTINE_LIMIT');
    assert.ok(content !== null);
    // As the broker does after the retention of their topic.
    await deleteMarkers(pipeline.kafka);
    await late.executeUpdate('skip');
    const { waiting } = await waits(late, 'CONTENT_UNPROVEN');
    assert.equal(waiting?.canSkip, true);
    assert.match(waiting.advice, /^All published records have landed\. Skip ends the run without marking/);
    const skipped = await pipeline.command('skip', late.workflowId, '--reason', 'seen');
    assert.equal(skipped.code, 0, skipped.stderr);
    const result = await late.result();
    assert.equal(result.outcome, 'landed');
    assert.deepEqual(
      result.skipped.map(({ code }) => code),
      ['QUARANTINE_LIMIT', 'CONTENT_UNPROVEN'],
    );
    const { stdout } = await pipeline.command('status', late.workflowId);
    assert.match(stdout, /went on without marking the content as ingested at land/);
    const rows = await pipeline.command(
      'query',
      '--json',
      `SELECT skipped, decision_count FROM runs WHERE source = 'late'`,
    );
    const [row, ...more] = JSON.parse(rows.stdout) as { skipped: string; decision_count: number }[];
    assert.deepEqual(more, []);
    assert.equal(row?.decision_count, 2);
    assert.match(row.skipped, /CONTENT_UNPROVEN/);
    // It comes again, once, since nothing says that it was there.
    const again = await (await pipeline.start({ source: 'late' })).result();
    assert.equal(again.rows['attempts'], RECORDS);
    assert.equal((await (await pipeline.start({ source: 'late' })).result()).outcome, 'unchanged');
    const verified = await pipeline.command('verify');
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  });

  test('after its transaction is forgotten is published again only if its markers are gone too', async () => {
    const lines = goodAttempts(8, RECORDS).map((attempt) => JSON.stringify(attempt));
    await pipeline.placeFiles({ 'feed.ndjson': lines.join('\n') });
    const { content } = await run();
    assert.ok(content !== null);
    const landed = await count('deliveries');
    const distinct = await count('attempts_deduplicated');

    await forgetContent('feed', content);
    const kept = await run();
    assert.deepEqual([kept.outcome, await count('deliveries')], ['landed', landed]);
    assert.equal((await run()).outcome, 'unchanged');

    await forgetContent('feed', content);
    await deleteMarkers(pipeline.kafka);
    assert.equal((await run()).rows['attempts'], RECORDS);
    assert.equal(await count('deliveries'), landed + RECORDS);
    assert.equal(await count('attempts_deduplicated'), distinct);
    assert.equal((await run()).outcome, 'unchanged');
  });

  /** Commits the transaction of a content again, as of a time before the retention. */
  async function forgetContent(source: string, content: Content): Promise<void> {
    const table = pipeline.warehouse.table(runs.name);
    const head = await table.head();
    assert.ok(head !== undefined);
    const { appId } = contentTransaction(source, content);
    assert.ok(head.txns.has(appId));
    const txn = { appId, version: 1, lastUpdated: Date.now() - 401 * 86_400_000 };
    const entry = formatActions([{ commitInfo: { operation: 'WRITE' } }, { txn }]);
    await table.hdfs.create(entryFile(table.path, head.version + 1), Buffer.from(entry));
  }
});
