/** Somebody who may write to the Temporal namespace schedules the worker's activities with inputs of their own. */
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import type { Consumed } from '../../activities/consume.ts';
import type { Fetched } from '../../activities/fetch.ts';
import { topicOffsets } from '../../adapters/kafka.ts';
import type { Landed } from '../../activities/land.ts';
import { NO_DECISIONS } from '../../model/decisions.ts';
import { NO_FIELDS } from '../../model/field-counts.ts';
import { NO_FILES, type StagedTables } from '../../model/references.ts';
import { NOTHING_SKIPPED } from '../../model/skipped.ts';
import { attempts } from '../../services/platform/generator.ts';
import { TestPipeline, eventually } from '../harness.ts';
import { Hostile } from './hostile/hostile.ts';

const DAY = '2026-01-31';
const SHA = 'a'.repeat(64);
const SECRET = 'not for others';
const RECORDS = 40;
const ZERO = { recordsIn: 0, recordsOut: 0, quarantined: 0, bytes: 0, seconds: 0 };
const RUN = {
  interval: { from: null, to: null },
  batches: 0,
  gaps: 0,
  rows: {},
  steps: { fetch: ZERO, publish: ZERO, consume: ZERO, transform: ZERO, land: ZERO },
  offsets: [],
  ...NOTHING_SKIPPED,
  decisions: NO_DECISIONS,
  ...NO_FIELDS,
  reasons: { named: [], others: 0 },
};

let pipeline: TestPipeline;
let attacker: Hostile;
let topic: string;

before(async () => {
  const file = { url: 'file:good.ndjson', format: 'ndjson' };
  pipeline = await TestPipeline.create({ good: { ...file, quarantineLimit: 1 }, other: file });
  const lines = Array.from(attempts({ seed: 5, count: RECORDS }), (attempt) => JSON.stringify(attempt));
  await pipeline.placeFiles({ 'good.ndjson': lines.join('\n') });
  topic = pipeline.settings.sources['good']?.topic ?? '';
  await pipeline.startWorker();
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

function chunk(more: object): object {
  return { id: `good/ndjson-${SHA}/0of1`, path: 'content/0.chunk', records: 1, bytes: 9, ...more };
}

function batch(more: object = {}): object {
  return { topic, ranges: [{ partition: 0, start: '0', end: '1' }], ...more };
}

function staged(more: object): object {
  return { staged: { batch: batch(), path: 'batches/0', messages: 1, gaps: 0, bytes: 9, ...more } };
}

function ofSource(source: string): object {
  return { source, landed: 1, refused: 0, bytes: 9 };
}

function landing(more: object): object {
  const counts = { landed: 1, quarantined: 0, ...NO_FIELDS, seconds: 1 };
  return {
    tables: { batch: batch(), ...NO_FILES, staged: ['batches/0'], ...counts, ...more },
    skipped: false,
  };
}

function publishing(more: object, of: object = {}): object {
  return { source: 'good', topic, ingestedOn: DAY, chunk: chunk(of), ...more };
}

function recording(more: object): object {
  const times = { startedAt: `${DAY}T00:00:00.000Z`, finishedAt: `${DAY}T00:00:01.000Z`, ingestedOn: DAY };
  const result = { outcome: 'landed', source: 'good', topic, content: null, ...RUN, ...more };
  return { request: { source: 'good' }, result, ...times };
}

const OUTSIDE = [
  '../victim',
  '../../victim',
  'batches/../../victim',
  '/etc/passwd',
  '.',
  '..',
  './batches',
  'batches//0',
  'batches/0\0',
  String.raw`..\victim`,
  '',
  'x'.repeat(5000),
];

/** Inputs that say where something is staged; each activity that takes one. */
const PATHS: readonly [activity: string, input: (path: string) => object][] = [
  ['land', (path) => landing({ staged: [path] })],
  ['land', (path) => landing({ staged: ['batches/0', path] })],
  ['transform', (path) => ({ ...staged({ path }), ingestedOn: DAY })],
  ['publish', (path) => publishing({}, { path })],
  ['publish', (path) => publishing({ more: [chunk({ path })] })],
  ['judge', (path) => ({ source: 'good', chunks: [chunk({ path })] })],
];

const FORGED: readonly [what: string, activity: string, input: () => unknown][] = [
  ['a key that does not exist', 'land', () => ({ ...landing({}), more: 1 })],
  ['a key of a prototype', 'fetch', () => JSON.parse('{"source": "good", "__proto__": {"a": 1}}') as unknown],
  ['no input', 'land', () => null],
  ['an input where none is due', 'tidy', () => ({ runId: 'x' })],
  ['files of its own', 'land', () => landing({ files: [{ table: 'deliveries', path: '../secret.txt' }] })],
  ['a source that is a path', 'land', () => landing({ sources: [ofSource('../x')] })],
  ['a source of another topic', 'land', () => landing({ sources: [ofSource('other')] })],
  ['a table that is none', 'land', () => landing({ rows: { '../runs': 1 } })],
  ['a topic of no source', 'plan', () => ({ topic: 'a-topic', publishedEnds: {}, until: null })],
  ['a topic of no source', 'consume', () => ({ batch: batch({ topic: 'a-topic' }), exact: true })],
  ['the topic of another source', 'publish', () => publishing({ source: 'other' })],
  ['an offset that is none', 'plan', () => ({ topic, publishedEnds: { 0: '1e3' }, until: null })],
  [
    'an offset over 64 bits',
    'consume',
    () => ({
      batch: batch({ ranges: [{ partition: 0, start: '0', end: '9223372036854775808' }] }),
      exact: true,
    }),
  ],
  [
    'an empty range',
    'consume',
    () => ({ batch: batch({ ranges: [{ partition: 0, start: '5', end: '5' }] }), exact: true }),
  ],
  [
    'a partition twice',
    'consume',
    () => ({
      batch: batch({ ranges: [0, 0].map((partition) => ({ partition, start: '0', end: '1' })) }),
      exact: true,
    }),
  ],
  ['a day that is none', 'transform', () => ({ ...staged({}), ingestedOn: '2026-02-30' })],
  ['a chunk of another name', 'publish', () => publishing({}, { id: `good/${SHA}/0` })],
  ['a source that is no name', 'fetch', () => ({ source: '../good' })],
  ['a run that is none', 'fetch', () => ({ source: 'good', again: 'x/../y' })],
  ['a run of another source', 'record', () => ({ ...recording({}), request: { source: 'other' } })],
  ['a run through another topic', 'record', () => recording({ topic: 'a-topic' })],
  ['a count that is none', 'record', () => recording({ gaps: 1e300 })],
  ['an outcome that is none', 'record', () => recording({ outcome: 'nothing-new' })],
];

async function assertUntouched(): Promise<void> {
  for (const victim of ['victim', join('runs', 'victim')])
    assert.equal(await readFile(join(attacker.staging, victim, 'secret.txt'), 'utf8'), SECRET);
  const { hdfs } = pipeline.warehouse.options;
  assert.equal(await hdfs.status(pipeline.settings.hdfs.warehouse), undefined);
}

describe('a forged input', () => {
  test('names no path outside of its own run’s folder', async () => {
    for (const [activity, inputOf] of PATHS) {
      for (const path of OUTSIDE) {
        const { code, message } = await attacker.call(activity, inputOf(path));
        assert.equal(code, 'INPUT_INVALID', `${activity} ${path}: ${message ?? ''}`);
        assert.match(message ?? '', /path|staged/);
      }
    }
    await assertUntouched();
  });

  for (const [what, activity, input] of FORGED) {
    test(`is refused by ${activity}: ${what}`, async () => {
      const { code, message } = await attacker.call(activity, input());
      assert.equal(code, 'INPUT_INVALID', message);
      await assertUntouched();
    });
  }

  test('of more than one argument is refused', async () => {
    assert.equal((await attacker.call('fetch', { source: 'good' }, {})).code, 'INPUT_INVALID');
  });

  test('goes through no link', async () => {
    await mkdir(attacker.folder, { recursive: true });
    await symlink(join(attacker.staging, 'victim'), join(attacker.folder, 'linked'));
    for (const [activity, inputOf] of PATHS) {
      const { code } = await attacker.call(activity, inputOf('linked/secret.txt'));
      assert.ok(code === 'INPUT_INVALID' || code === 'STAGING_LOST', `${activity}: ${code ?? 'done'}`);
    }
    await assertUntouched();
  });

  test('lands, publishes and skips nothing that this run did not stage', async () => {
    const { result } = await attacker.call('fetch', { source: 'good' });
    const { chunks } = result as Fetched;
    const [first] = chunks;
    assert.ok(first !== undefined);
    await cp(join(attacker.folder, first.path), join(attacker.folder, 'copy'));
    for (const [activity, input] of [
      ['publish', publishing({}, { ...first, id: `good/ndjson-${SHA}/0of1` })],
      ['publish', publishing({}, { ...first, path: 'copy' })],
      ['publish', publishing({}, { ...first, records: 1 })],
      ['land', landing({ rows: { deliveries: 1 }, staged: [first.path] })],
      ['land', landing({ staged: [first.path] })],
      ['land', { ...landing({}), skipped: true }],
      ['transform', { ...staged({ path: 'content' }), ingestedOn: DAY }],
    ] as const) {
      const { code } = await attacker.call(activity, input);
      assert.ok(code === 'INPUT_INVALID' || code === 'STAGING_LOST', `${activity}: ${code ?? 'done'}`);
    }
    await assertUntouched();
    const offsets = await topicOffsets(pipeline.kafka, topic).catch(() => []);
    assert.deepEqual(
      offsets.filter(({ end }) => end !== '0'),
      [],
    );
  });

  test('marks no content as ingested that was not published', async () => {
    const { result } = await attacker.call('fetch', { source: 'good' });
    const { content } = result as Fetched;
    for (const forged of [content, { ...content, chunks: 2 }, { ...content, chunks: 0, records: 0 }])
      await attacker.call('record', recording({ content: forged }));
    const unproven = await attacker.call('record', recording({ content }));
    assert.equal(unproven.code, 'CONTENT_UNPROVEN', unproven.message);
    const run = await pipeline.start({ source: 'good' });
    const ingested = await run.result();
    assert.equal(ingested.outcome, 'landed');
    assert.equal(ingested.rows['attempts'], RECORDS);
  });

  test('lands no other rows than those that were transformed, and those once', async () => {
    const range = { batch: batch(), exact: true };
    const consumed = (await attacker.call('consume', range)).result as Consumed;
    const transformed = await attacker.call('transform', { staged: consumed.staged, ingestedOn: DAY });
    const tables = transformed.result as StagedTables;
    const [folder = ''] = tables.staged;
    for (const forged of [{ files: NO_FILES.files }, { rows: {} }, { sources: [] }]) {
      const { code } = await attacker.call('land', { tables: { ...tables, ...forged }, skipped: false });
      assert.equal(code, 'INPUT_INVALID');
    }
    const list = await readFile(join(attacker.folder, folder, 'files.json'), 'utf8');
    assert.equal((JSON.parse(list) as unknown[]).length, tables.files.count);
    const landed = await attacker.call('land', { tables, skipped: false });
    assert.equal((landed.result as Landed).outcome, 'landed-before');
    const verified = await pipeline.command('verify');
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  });
});

describe('a run that is started with what only a continued run has', () => {
  const carried = {
    status: {
      source: 'good',
      topic: '',
      content: { format: 'ndjson', sha256: SHA, records: 1, bytes: 1, chunks: 1 },
    },
    startedAt: `${DAY}T00:00:00.000Z`,
    patience: null,
    isUnchanged: false,
    rest: { publishedEnds: {}, until: null },
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

  test('is refused, and so is the one that a cron schedule starts after it', async () => {
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
});
