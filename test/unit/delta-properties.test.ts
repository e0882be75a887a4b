import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { LogFile } from '../../adapters/delta/log-files.ts';
import { fileRetentionOf, logRetentionOf, targetFileSizeOf } from '../../adapters/delta/properties.ts';
import { expiredBefore } from '../../steps/upkeep/clean-log.ts';

const DAY_MS = 86_400_000;

function metadata(configuration: Record<string, string> = {}) {
  return { id: 'i', name: 't', schemaString: '{}', partitionColumns: [], configuration };
}

test('a table’s own retention wins, in Delta’s format of intervals', () => {
  assert.equal(fileRetentionOf(metadata(), 5), 5);
  for (const [text, ms] of [
    ['interval 1 week', 7 * DAY_MS],
    ['interval 30 days', 30 * DAY_MS],
    ['12 hours', DAY_MS / 2],
    ['INTERVAL 1 DAY 2 HOURS', DAY_MS + 7_200_000],
  ] as const)
    assert.equal(fileRetentionOf(metadata({ 'delta.deletedFileRetentionDuration': text }), 5), ms);
  for (const text of ['', 'interval', '7', 'interval 7 months', 'interval 7 days and more', '-1 days'])
    assert.throws(
      () => fileRetentionOf(metadata({ 'delta.deletedFileRetentionDuration': text }), 5),
      /the table t has the property delta\.deletedFileRetentionDuration = .*; expected an interval/,
    );
});

test('a table can keep its log for ever, and have a target size of its own', () => {
  assert.equal(logRetentionOf(metadata({ 'delta.enableExpiredLogCleanup': 'false' }), 5), undefined);
  assert.equal(logRetentionOf(metadata({ 'delta.logRetentionDuration': 'interval 2 days' }), 5), 2 * DAY_MS);
  assert.equal(targetFileSizeOf(metadata({ 'delta.targetFileSize': '64mb' }), 5), 64 * 2 ** 20);
  assert.equal(targetFileSizeOf(metadata({ 'delta.targetFileSize': '1000' }), 5), 1000);
  assert.throws(() => targetFileSizeOf(metadata({ 'delta.targetFileSize': 'large' }), 5), /expected a size/);
});

test('the clean-up of a log keeps the newest expired checkpoint, and all that later versions need', () => {
  const version = fc.record({ days: fc.integer({ min: 0, max: 3 }), isCheckpointed: fc.boolean() });
  fc.assert(
    fc.property(fc.array(version, { maxLength: 20 }), fc.integer({ min: 0, max: 40 }), (versions, cutoff) => {
      let days = 0;
      const files = versions.flatMap(({ days: more, isCheckpointed }, index): LogFile[] => {
        days += more;
        const common = { version: index, isWhole: true, bytes: 1, modifiedAtMs: days * DAY_MS + 1 };
        return [
          { ...common, path: `${index}.json`, kind: 'entry' },
          ...(isCheckpointed ? [{ ...common, path: `${index}.parquet`, kind: 'checkpoint' } as const] : []),
        ];
      });
      const expired = new Set(expiredBefore(files, cutoff * DAY_MS + 5));
      const kept = files.filter((file) => !expired.has(file));
      if (expired.size === 0) return;
      const first = Math.min(...kept.map((file) => file.version));
      assert.ok(kept.some((file) => file.kind === 'checkpoint' && file.version === first));
      for (const file of files) assert.equal(expired.has(file), file.version < first);
      // No version younger than the cutoff is lost.
      for (const file of expired) assert.ok(file.modifiedAtMs < cutoff * DAY_MS);
    }),
  );
});

test('a checkpoint in parts, or of another format, is not the one to keep', () => {
  const at = (path: string, version: number, isWhole: boolean): LogFile => ({
    path,
    version,
    kind: 'checkpoint',
    isWhole,
    bytes: 1,
    modifiedAtMs: 1,
  });
  assert.deepEqual(expiredBefore([at('0', 0, true), at('1', 1, false)], DAY_MS), []);
});
