import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { generateFeed } from '../../simulator/feed.ts';
import { generateAttempts } from '../../simulator/generator.ts';

function digest(options: Parameters<typeof generateFeed>[0]): string {
  const hash = createHash('sha256');
  for (const piece of generateFeed(options)) hash.update(piece);
  return hash.digest('hex');
}

test('the same seed gives the same bytes, on every version of Node', () => {
  assert.equal(
    digest({ seed: 1, count: 100, format: 'json-array' }),
    '241d9852dda38e1c4486beaa82809998661d0ee3f23d4696dc1c19638ae09475',
  );
  assert.equal(
    digest({ seed: 2 ** 53 - 1, count: 100, format: 'ndjson', compact: true }),
    'e24e0462207fce943d9beebd3b97ed321c881946c2eb12805d9d8c74f127662e',
  );
});

test('the feed is a JSON array or NDJSON, spaced or compact, in pieces of about 64 KB', () => {
  const expected = [...generateAttempts({ seed: 1, count: 200 })];
  for (const compact of [false, true]) {
    const array = [...generateFeed({ seed: 1, count: 200, format: 'json-array', compact })];
    assert.deepEqual(JSON.parse(Buffer.concat(array).toString()), expected);
    assert.ok(array.slice(0, -1).every((piece) => piece.length >= 65_536 && piece.length < 100_000));
    const lines = Buffer.concat([
      ...generateFeed({ seed: 1, count: 200, format: 'ndjson', compact }),
    ]).toString();
    assert.deepEqual(
      lines
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
      expected,
    );
    assert.ok(lines.endsWith('}\n'));
    assert.equal(/[,:] ["[{]/.test(lines), !compact);
  }
});

test('a feed without attempts is an empty array or empty', () => {
  const whole = (format: 'json-array' | 'ndjson') =>
    Buffer.concat([...generateFeed({ seed: 1, count: 0, format })]).toString();
  assert.equal(whole('json-array'), '[]\n');
  assert.equal(whole('ndjson'), '');
});

test('a long feed is streamed in constant memory', () => {
  globalThis.gc?.();
  const before = process.memoryUsage().arrayBuffers;
  let bytes = 0;
  for (const piece of generateFeed({ seed: 1, count: 30_000, format: 'ndjson', compact: true }))
    bytes += piece.length;
  assert.ok(bytes > 70_000_000);
  assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 2 ** 20);
});
