import assert from 'node:assert/strict';
import test from 'node:test';
import {
  MAX_SKIPPED_KEPT,
  MAX_SKIPPED_LENGTH,
  NOTHING_SKIPPED,
  isContentIncomplete,
  skippedCount,
  skippedLines,
  withSkipped,
  type SkippedLog,
} from '../../model/skipped.ts';

function logOf(count: number, code: string, log: SkippedLog = NOTHING_SKIPPED): SkippedLog {
  let sum = log;
  for (let at = 0; at < count; at += 1)
    sum = withSkipped(sum, { step: 'publish', what: `chunk ${at} ${'x'.repeat(10_000)}`, code });
  return sum;
}

test('the latest skipped batches are listed, the earlier counted, and the size is bounded', () => {
  const log = logOf(10_000, 'KAFKA_REFUSED');
  assert.equal(log.skipped.length, MAX_SKIPPED_KEPT);
  assert.match(log.skipped.at(-1)?.what ?? '', /^chunk 9999 /);
  assert.equal(skippedCount(log), 10_000);
  assert.ok(JSON.stringify(log).length < MAX_SKIPPED_KEPT * (MAX_SKIPPED_LENGTH + 100) + 100);
  assert.equal(skippedLines(log, 3)[0], 'skipped earlier: 9,997');
});

test('a skipped batch is remembered also once it is only counted', () => {
  assert.equal(isContentIncomplete(logOf(200, 'QUARANTINE_LIMIT')), false);
  assert.equal(isContentIncomplete(logOf(200, 'QUARANTINE_LIMIT', logOf(1, 'KAFKA_REFUSED'))), true);
});
