import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { readFrames } from '../../adapters/staging/frames.ts';
import { RunStaging } from '../../adapters/staging/run-staging.ts';
import { ChunkWriter } from '../../steps/source/chunk-writer.ts';
import { PageLog } from '../../steps/source/page-log.ts';
import type { PageFacts } from '../../steps/source/page-sequence.ts';

const IDENTITY = 'a'.repeat(64);
const FOLDER = 'content/chunks';

let folder: string;
let own: RunStaging;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'page-log-'));
  own = RunStaging.of({ folderOf: () => folder }, { workflowId: 'w', runId: 'r' });
});

afterEach(() => rm(folder, { recursive: true }));

function pageOf(number: number): PageFacts {
  const next = { kind: 'own', cursor: number + 1 } as const;
  return { sha256: String(number).padStart(64, '0'), records: 2, bytes: 9, hasGood: true, total: null, next };
}

function recordsOf(number: number, bytes = 9): Buffer[] {
  return [0, 1].map((index) => Buffer.from(`${number}-${index}`.padEnd(bytes, 'x')));
}

async function writerOf(log: PageLog): Promise<ChunkWriter> {
  const staging = { reserve: () => Promise.resolve() };
  const writer = new ChunkWriter({ staging, own, folder: log.folder, subject: 'source test' });
  await writer.resume(
    log.pages.flatMap(({ ended }) => ended),
    log.pages.at(-1)?.current ?? null,
  );
  return writer;
}

/** Writes pages, and a part of another one, as an attempt that fails. */
async function writePages(numbers: readonly number[], bytes?: number): Promise<PageLog> {
  const log = await PageLog.open(own, FOLDER, IDENTITY);
  const writer = await writerOf(log);
  for (const number of numbers) {
    await writer.add(recordsOf(number, bytes));
    await log.append({ ...pageOf(number), ...(await writer.endPage()) });
  }
  await writer.add(recordsOf(99, bytes).slice(1));
  await writer.abandon();
  await log.close();
  return log;
}

/** Ends the pages; returns the records in the chunks, in order. */
async function recordsAfter(log: PageLog): Promise<string[]> {
  const writer = await writerOf(log);
  await writer.close();
  await log.close();
  const chunks = await writer.chunks('test', 'topic', { format: 'ndjson', sha256: IDENTITY });
  const records: string[] = [];
  for (const { path, records: count } of chunks) {
    const before = records.length;
    for await (const frames of readFrames(await own.locate(path)))
      records.push(...frames.map((frame) => frame.toString('utf8', 0, 3)));
    assert.equal(records.length - before, count);
  }
  return records;
}

test('an attempt continues after the last whole page, and without the records of the one that did not end', async () => {
  await writePages([1, 2]);
  const second = await writePages([3]);
  assert.equal(second.pages.length, 2);
  const third = await PageLog.open(own, FOLDER, IDENTITY);
  assert.deepEqual(
    third.pages.map(({ next }) => next),
    [2, 3, 4].map((cursor) => ({ kind: 'own', cursor })),
  );
  assert.deepEqual(await recordsAfter(third), ['1-0', '1-1', '2-0', '2-1', '3-0', '3-1']);
  assert.equal((await readdir(join(folder, 'content'))).length, 1);
});

test('chunks that ended are continued too; a chunk ends with a page from half of its size on', async () => {
  const bytes = 5 << 20;
  await writePages([1, 2], bytes);
  const log = await writePages([3], bytes);
  assert.deepEqual(
    log.pages.map(({ ended, current }) => [ended.length, current]),
    [
      [1, null],
      [1, null],
    ],
  );
  assert.deepEqual(await recordsAfter(await PageLog.open(own, FOLDER, IDENTITY)), [
    ...['1-0', '1-1', '2-0', '2-1', '3-0', '3-1'],
  ]);
});

test('a line that is torn does not count', async () => {
  const log = await writePages([1, 2]);
  await appendFile(join(folder, log.path), '{"sha256":"');
  assert.equal((await writePages([])).pages.length, 2);
});

test('pages of other requests, or whose chunks lost bytes, are not continued', async () => {
  const log = await writePages([1, 2]);
  await truncate(join(folder, log.folder, '000000.chunk'), 20);
  assert.equal((await writePages([1])).pages.length, 0);
  const other = await PageLog.open(own, FOLDER, 'b'.repeat(64));
  assert.equal(other.pages.length, 0);
  await other.close();
});

test('an attempt that still runs cannot write to what another one continues', async () => {
  const old = await PageLog.open(own, FOLDER, IDENTITY);
  const late = await writerOf(old);
  await late.add(recordsOf(1));
  await old.append({ ...pageOf(1), ...(await late.endPage()) });
  const next = await PageLog.open(own, FOLDER, IDENTITY);
  await late.add(recordsOf(2));
  await old.append({ ...pageOf(2), ...(await late.endPage()) });
  await late.abandon();
  await old.close();
  assert.deepEqual(await recordsAfter(next), ['1-0', '1-1']);
});
