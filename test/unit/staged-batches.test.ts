import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import fc from 'fast-check';
import {
  MessageWriter,
  rereadMessages,
  readStagedMessages,
  type BatchBounds,
} from '../../steps/transform/message-files.ts';
import { FetchedBatch } from '../../adapters/kafka/wire/fetched-batch.ts';
import { RecordBatch, encodeHeaders } from '../../adapters/kafka/wire/record-batch.ts';
import type { StagedMessage } from '../../adapters/staging/staged-messages.ts';

const TIME_MS = 1_516_717_442_735;
const PARTITION = 3;
/** More messages than are buffered for one write. */
const LONG = 'long '.repeat(20_000);

let root: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'staged-batches-'));
});

after(() => rm(root, { recursive: true }));

async function makeFolder(name: string): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder, { recursive: true });
  return folder;
}

/** Makes record batches of the given sizes, with a gap of one offset between them. */
function batchesOf(sizes: readonly number[], textOf: (offset: number) => string): FetchedBatch[] {
  let offset = 0;
  return sizes.map((size) => {
    const records = new RecordBatch();
    for (let at = offset; at < offset + size; at += 1) {
      const headers = encodeHeaders(at % 3 === 0 ? [] : [['of', String(at % 3)]]);
      records.add({
        key: at % 2 === 0 ? null : Buffer.from(`k${at}`),
        value: Buffer.from(textOf(at)),
        headers,
      });
    }
    const bytes = Buffer.from(records.seal({ id: 1n, epoch: 0, firstSequence: 0 }, TIME_MS));
    bytes.writeBigInt64BE(BigInt(offset), 0);
    offset += size + 1;
    return new FetchedBatch(bytes, 't/3');
  });
}

/** Returns the text of a message. */
function said({ partition, offset, timestampMs, key, headers, value }: StagedMessage): string {
  return [partition, offset, timestampMs, String(key), headers, String(value)].join(' ');
}

function expected(batches: readonly FetchedBatch[], from: bigint, to: bigint): string[] {
  return batches
    .flatMap((batch) => batch.messages())
    .filter(({ offset }) => offset >= from && offset < to)
    .map(({ offset, key, value }) => {
      const headers = offset % 3n === 0n ? '[]' : `[{"key":"of","value":"${offset % 3n}"}]`;
      return [PARTITION, offset, TIME_MS, String(key), headers, String(value)].join(' ');
    });
}

interface Staged {
  readonly messages: readonly string[];
  readonly left: bigint;
  readonly writer: MessageWriter;
}

async function stage(
  batches: readonly FetchedBatch[],
  range: { readonly from: bigint; readonly to: bigint },
  bounds?: BatchBounds,
): Promise<Staged> {
  const folder = await makeFolder('some');
  const writer = await MessageWriter.create(folder, [PARTITION], bounds);
  const left = await writer.add({ partition: PARTITION, batches, ...range });
  await writer.close();
  const batch = { topic: 't', ranges: [{ partition: PARTITION, start: '0', end: '1' }] };
  const messages: string[] = [];
  for await (const some of readStagedMessages(folder, { batch }))
    for (const message of some) messages.push(said(message));
  const again = Array.from(rereadMessages(folder, { batch }), said);
  assert.deepEqual(again, messages);
  return { messages, left, writer };
}

test('the staged messages are those of the range, wherever it begins and ends in the batches', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 });
  const offset = fc.bigInt(0n, 110n);
  await fc.assert(
    fc.asyncProperty(sizes, offset, offset, fc.nat(9), async (of, one, other, long) => {
      const [from, to] = one < other ? [one, other] : [other, one];
      const batches = batchesOf(of, (at) => (at === long ? LONG : `value ${at}`));
      const { messages, writer } = await stage(batches, { from, to });
      assert.deepEqual(messages, expected(batches, from, to));
      assert.equal(writer.messages, messages.length);
    }),
    { numRuns: 200 },
  );
});

test('a batch is full soon after its limits, and the next one continues there', async () => {
  const batches = batchesOf([300, 1700, 20, 900], (at) => `value ${at}`);
  const all = expected(batches, 0n, 10_000n);
  const bytes = batches.map(({ bytes: { length } }) => length).reduce((sum, length) => sum + length);
  for (const bounds of [
    ...[1, 299, 300, 301, 800, 801, 2000, 2001, 2919, 2920].map((messages) => ({
      bytes: Infinity,
      messages,
    })),
    ...[1, 0.2, 0.5, 0.9].map((share) => ({ bytes: bytes * share, messages: Infinity })),
  ]) {
    const read: string[] = [];
    let tries = 0;
    for (let from = 0n; read.length < all.length; tries += 1) {
      const { messages, left, writer } = await stage(batches, { from, to: 10_000n }, bounds);
      const isLast = read.length + messages.length === all.length;
      assert.ok(writer.isFull || isLast);
      assert.ok(writer.messages < bounds.messages + 500 || writer.messages === 500);
      assert.ok(left > from);
      read.push(...messages);
      from = left;
    }
    assert.deepEqual(read, all, JSON.stringify(bounds));
    assert.ok(tries <= Math.ceil(all.length / bounds.messages) + Math.ceil(bytes / bounds.bytes) + 1);
  }
});

test('a discarded batch leaves no files', async () => {
  const folder = await makeFolder('gone');
  const writer = await MessageWriter.create(folder, [PARTITION]);
  await writer.add({ partition: PARTITION, batches: batchesOf([3], String), from: 0n, to: 3n });
  await writer.discard();
  assert.deepEqual(await readdir(folder), []);
});
