import assert from 'node:assert/strict';
import test from 'node:test';
import { ResponseMemory, ResponseReader } from '../../adapters/kafka/wire/response-reader.ts';

function answer(length: number): Buffer {
  const bytes = Buffer.alloc(4 + length, length);
  bytes.writeInt32BE(length);
  return bytes;
}

test('responses are complete and in order, however they are split, and do not share reused memory', () => {
  const sent = [answer(1), answer(70_000), answer(3), answer(500)];
  const all = Buffer.concat(sent);
  for (const step of [1, 3, 4, 5, 64, 65_536, all.length]) {
    const given: Buffer[] = [];
    const answers = new ResponseReader(new ResponseMemory(), (bytes) => given.push(bytes));
    const read = Buffer.alloc(step);
    for (let at = 0; at < all.length; at += step) {
      const copied = all.copy(read, 0, at);
      answers.push(read.subarray(0, copied));
      read.fill(0xff);
    }
    assert.deepEqual(given, sent, `${step} bytes at once`);
  }
});

test('bytes without a valid length prefix are passed on as they arrive', () => {
  const said = Buffer.from('HTTP/1.1 400 Bad Request');
  const given: Buffer[] = [];
  const answers = new ResponseReader(new ResponseMemory(), (bytes) => given.push(bytes));
  answers.push(answer(2));
  answers.push(said);
  answers.push(said);
  assert.deepEqual(given[0], answer(2));
  assert.deepEqual(Buffer.concat(given.slice(1)), Buffer.concat([said, said]));
});

const LARGE = 3 << 20;

test('a large response reuses only memory that was returned', () => {
  const memory = new ResponseMemory();
  const held = memory.allocate(LARGE);
  const spent = memory.allocate(LARGE);
  memory.release(spent.subarray(7, 9));
  memory.release(spent);
  const next = memory.allocate(LARGE - 1);
  assert.equal(next.buffer, spent.buffer);
  assert.equal(next.length, LARGE - 1);
  const another = memory.allocate(LARGE);
  assert.ok(![held.buffer, spent.buffer].includes(another.buffer), 'given back twice, it is taken once');
});

test('a response that fits no free memory gets a larger buffer in its place', () => {
  const memory = new ResponseMemory();
  const small = memory.allocate(LARGE);
  memory.release(small);
  assert.equal(memory.allocate(2 * LARGE).length, 2 * LARGE);
  assert.notEqual(memory.allocate(LARGE).buffer, small.buffer);
});

test('memory of other origin is not pooled when it is returned', () => {
  const memory = new ResponseMemory();
  const foreign = Buffer.alloc(LARGE);
  memory.release(foreign);
  memory.release(memory.allocate(5));
  assert.notEqual(memory.allocate(LARGE).buffer, foreign.buffer);
});
