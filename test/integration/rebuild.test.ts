/** Tables that are derived from `deliveries` again: the rows are those of a landing, whatever had happened to the table. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import type { RebuildResult, TableRebuild } from '../../model/rebuild.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { REBUILDABLE_TABLES } from '../../tables/index.ts';
import { TestPipeline } from '../support/harness.ts';

const RUNS = 3;
const ROWS = 5;
const NAMES = REBUILDABLE_TABLES.map(({ name }) => name);

describe('a rebuild', () => {
  let pipeline: TestPipeline;
  let contents = 0;

  before(async () => {
    pipeline = await TestPipeline.create({ source: { url: 'file:feed' } }, { limits: { checkpointInterval: 3 } });
    await pipeline.startWorker();
    for (let run = 1; run <= RUNS; run += 1) await ingest();
  });

  after(() => pipeline.close());

  async function ingest(): Promise<void> {
    contents += 1;
    const feed = [...generateAttempts({ seed: contents, count: ROWS })];
    await pipeline.placeFiles({ feed: JSON.stringify(feed) });
    const { outcome } = await (await pipeline.start({ source: 'source' })).result();
    assert.equal(outcome, 'landed');
  }

  /** Runs a command and returns its output, parsed. */
  async function json<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await pipeline.command(...words, '--json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as T;
  }

  /** Returns all rows of the tables, whatever their order. */
  async function rows(): Promise<unknown> {
    const all: Record<string, unknown> = {};
    for (const name of NAMES) all[name] = await json('query', `SELECT * FROM ${name} ORDER BY ALL`);
    return all;
  }

  async function rebuild(...names: string[]): Promise<readonly TableRebuild[]> {
    return (await json<RebuildResult>('rebuild', ...names, '--follow')).tables;
  }

  async function requireVerified(): Promise<void> {
    const { code, stdout } = await pipeline.command('verify');
    assert.equal(code, 0, stdout);
  }

  test('replaces the files of each table by others with the same rows, and runs land after it', async () => {
    const before = await rows();
    for (const state of await rebuild(...NAMES)) {
      assert.deepEqual([state.deliveries, state.replacedFiles, state.failure], [RUNS * ROWS, RUNS, null]);
      assert.equal(state.files, 1);
    }
    assert.deepEqual(await rows(), before);
    await requireVerified();
    await ingest();
    await requireVerified();
  });
});
