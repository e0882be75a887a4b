import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ROOT, TestPipeline } from '../support/harness.ts';

const FEEDS = join(ROOT, '../shared/cases/feeds');
const skip = existsSync(FEEDS) ? false : `there is no ${FEEDS}`;

/** A feed of the collection, by its name. */
function feed(name: string): Buffer {
  const bytes = readFileSync(join(FEEDS, name));
  return name.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

describe('feeds with unusual names and times', { skip }, () => {
  let pipeline: TestPipeline;

  before(async () => {
    pipeline = await TestPipeline.create({
      times: { url: 'file:times.ndjson', format: 'ndjson' },
      names: { url: 'file:names.ndjson', format: 'ndjson' },
      data: { url: 'file:data.ndjson', format: 'ndjson' },
    });
    await pipeline.placeFiles({
      'times.ndjson': feed('times-out-of-years-1-to-9999.ndjson'),
      'names.ndjson': feed('field-names-of-object-prototype.ndjson'),
      'data.ndjson': feed('field-names-that-are-data.ndjson.gz'),
    });
    await pipeline.startWorker();
  });

  after(() => pipeline.close());

  async function rowsOf(sql: string): Promise<Record<string, unknown>[]> {
    const { stdout, stderr } = await pipeline.command('query', '--json', sql);
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout) as Record<string, unknown>[];
  }

  test('times outside the years 1 to 9999 are quarantined by their paths, and the others land', async () => {
    const { rows } = await (await pipeline.start({ source: 'times' })).result();
    assert.deepEqual([rows['attempts'], rows['quarantine']], [6, 10]);
    const landed = await rowsOf(
      `SELECT exam_name FROM attempts WHERE source = 'times' ORDER BY kafka_offset`,
    );
    assert.deepEqual(
      new Set(landed.map(({ exam_name: name }) => name)),
      new Set([
        ...['epoch 99999999999', 'epoch -62135596800', 'epoch 253402300799.999999'],
        ...['epoch -62135596800.0000004', 'epoch -0', 'epoch 0'],
      ]),
    );
    const bad = await rowsOf(
      `SELECT path, count(*)::INTEGER AS count FROM quarantine WHERE source = 'times' AND reason LIKE '%years 1 to 9999%' GROUP BY path ORDER BY path`,
    );
    assert.deepEqual(bad, [
      { path: 'keen_timestamp', count: 3 },
      { path: 'started_at', count: 4 },
    ]);
  });

  test('names of Object.prototype are counted like other unknown fields', async () => {
    const result = await (await pipeline.start({ source: 'names' })).result();
    assert.equal(result.outcome, 'landed');
    const [run] = await rowsOf(`SELECT unknown_fields FROM runs WHERE source = 'names'`);
    const counted = JSON.parse(String(run?.['unknown_fields'])) as object;
    const due = namesIn(feed('field-names-of-object-prototype.ndjson'));
    for (const name of ['constructor', 'toString', 'hasOwnProperty', '__proto__']) {
      const count = Object.getOwnPropertyDescriptor(counted, name)?.value as unknown;
      assert.equal(count ?? 0, due.get(name) ?? 0, name);
    }
  });

  test('attempts with twenty thousand unknown fields land, and their counts are in runs', async () => {
    const result = await (await pipeline.start({ source: 'data' })).result();
    assert.equal(result.rows['attempts'], 20_000);
    const [run] = await rowsOf(`SELECT unknown_fields, other_unknown_fields FROM runs WHERE source = 'data'`);
    const named = Object.values(JSON.parse(String(run?.['unknown_fields'])) as Record<string, number>);
    assert.equal(named.length, 50);
    const all = named.reduce((sum, count) => sum + count, Number(run?.['other_unknown_fields']));
    assert.equal(all, 20_000);
  });
});

/** Counts each field name of the attempts in a content. */
function namesIn(content: Buffer): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of content.toString('utf8').trim().split('\n'))
    for (const name of Object.getOwnPropertyNames(JSON.parse(line) as object))
      counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
