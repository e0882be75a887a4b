import assert from 'node:assert/strict';
import test from 'node:test';
import { MAX_PAYLOAD_BYTES, whyTooLarge } from '../../model/payload-limit.ts';

test('values that are together larger than Temporal takes are named, with their size', () => {
  const half = 'ä'.repeat(MAX_PAYLOAD_BYTES / 4 - 1);
  assert.equal(whyTooLarge('the result', [half, half]), undefined);
  assert.equal(
    whyTooLarge('the result of the activity plan', [half, half, 1]),
    'the result of the activity plan has 1,500,001 bytes, more than the 1,500,000 that a run may hand on',
  );
  assert.equal(whyTooLarge('nothing', [undefined]), undefined);
});
