import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { MessageWriter } from '../../steps/transform/message-files.ts';
import transformBatch, { type BatchTask } from '../../steps/transform/batch-worker.ts';
import { FetchedBatch } from '../../adapters/kafka/wire/fetched-batch.ts';
import { RecordBatch, encodeHeaders } from '../../adapters/kafka/wire/record-batch.ts';
import { parseSettings } from '../../model/settings.ts';
import { generateAttempts } from '../../simulator/generator.ts';

const SETTINGS = parseSettings('sources: { customer: { topic: t } }', 'test');
const MESSAGES = 4000;

let root: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'transform-batch-'));
});

after(() => rm(root, { recursive: true }));

/** Stages messages of one partition. */
async function stage(name: string): Promise<BatchTask> {
  const messages = join(root, name);
  await mkdir(messages);
  const writer = await MessageWriter.create(messages, [0]);
  const records = new RecordBatch();
  for (const attempt of generateAttempts({ seed: 5, count: MESSAGES })) {
    const value = Buffer.from(JSON.stringify(attempt));
    records.add({ key: null, value, headers: encodeHeaders([]) });
  }
  const sealed = records.seal({ id: 1n, epoch: 0, firstSequence: 0 }, 1);
  const batches = [new FetchedBatch(sealed, 't/0')];
  await writer.add({ partition: 0, batches, from: 0n, to: BigInt(MESSAGES) });
  await writer.close();
  const folder = `${name}.tables`;
  await mkdir(join(root, folder));
  const ranges = [{ partition: 0, start: '0', end: String(MESSAGES) }];
  return {
    settings: SETTINGS,
    suppressed: new Map(),
    root,
    messages,
    staged: { batch: { topic: 't', ranges }, path: name, messages: MESSAGES, bytes: writer.bytes, gaps: 0 },
    folder,
    ingestedOn: '2026-01-31',
  };
}

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

test('a batch is transformed, and all of its files are closed', async () => {
  const answer = await transformBatch(await stage('whole'));
  assert.ok(!('failed' in answer));
  assert.deepEqual([answer.landed, answer.quarantined], [MESSAGES, 0]);
  assert.deepEqual(
    answer.files.map(({ table }) => table),
    ['attempts', 'questions', 'options', 'deliveries'],
  );
  assert.deepEqual(
    openFiles().filter((file) => file.includes('whole')),
    [],
  );
});

/** Returns whether the messages of a second batch are read before the last file of the first one is begun. */
async function isReadMeanwhile(name: string, batchBytes: number): Promise<boolean> {
  const settings = { ...SETTINGS, limits: { ...SETTINGS.limits, batchBytes } };
  const [first, second] = [await stage(`${name}-first`), await stage(`${name}-second`)];
  const isRead = async ({ messages }: BatchTask): Promise<void> => {
    while (!openFiles().includes(join(messages, '0.batches'))) await setImmediate();
  };
  const answers = [transformBatch({ ...first, settings })];
  await isRead(first);
  answers.push(transformBatch({ ...second, settings }));
  await isRead(second);
  const begun = readdirSync(join(root, first.folder), { recursive: true, encoding: 'utf8' });
  const isMeanwhile = !begun.some((file) => file.startsWith('deliveries.'));
  for (const answer of await Promise.all(answers)) assert.ok(!('failed' in answer));
  return isMeanwhile;
}

test('a batch begins once the rows of earlier ones take little enough memory', async () => {
  assert.equal(await isReadMeanwhile('small', SETTINGS.limits.batchBytes), true);
  assert.equal(await isReadMeanwhile('large', 1), false);
});

test('the error of a missing file keeps its name, at the start and while DuckDB reads', async () => {
  const missing = await transformBatch({
    ...(await stage('missing')),
    messages: join(root, 'elsewhere'),
  });
  assert.ok('failed' in missing);
  assert.equal(missing.failed.code, 'STAGING_LOST');
  const work = await stage('removed');
  const file = join(root, 'removed/0.batches');
  const answer = transformBatch(work);
  while (!openFiles().includes(file)) await setImmediate();
  rmSync(file);
  const removed = await answer;
  assert.ok('failed' in removed);
  assert.equal(removed.failed.code, 'STAGING_LOST');
  assert.match(removed.failed.message, /removed\/0\.batches cannot be read/);
});

test('a truncated file of messages is refused', async () => {
  const work = await stage('short');
  const { staged } = work;
  const answer = await transformBatch({ ...work, staged: { ...staged, messages: staged.messages + 1 } });
  assert.ok('failed' in answer);
  assert.equal(answer.failed.code, 'STAGING_LOST');
  assert.match(answer.failed.message, /^short holds 4000 of the 4001 messages that were staged$/);
});
