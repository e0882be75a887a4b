import assert from 'node:assert/strict';
import test from 'node:test';
import { decodingOf } from '../../adapters/kafka/read-options.ts';
import { FetchedBatch } from '../../adapters/kafka/wire/fetched-batch.ts';
import { HEADER_OFFSETS } from '../../adapters/kafka/wire/record-batch.ts';
import { addOffsets } from '../../client/verify/kafka.ts';
import { OffsetSet } from '../../client/verify/offset-set.ts';
import { compressedBatch } from '../support/kafka-batches.ts';

const VALUE_BYTES = 3 << 20;
const RANGE = { from: 2n, to: 9n };

/** A compressed batch from offset 2 on with one message, the others removed by compaction. */
function batchTo(lastOffset: bigint): FetchedBatch {
  const bytes = Buffer.from(compressedBatch('gzip', Buffer.alloc(VALUE_BYTES)));
  bytes.writeBigInt64BE(2n, 0);
  bytes.writeInt32BE(Number(lastOffset - 2n), HEADER_OFFSETS.lastOffsetDelta);
  return new FetchedBatch(bytes, 't/0');
}

async function offsetsOf(batch: FetchedBatch, maxBytes: number): Promise<OffsetSet> {
  const committed = new OffsetSet();
  await addOffsets(committed, batch, RANGE, decodingOf(maxBytes));
  return committed;
}

test('verify decompresses a batch that compaction removed messages from, up to the limit of the settings', async () => {
  assert.deepEqual((await offsetsOf(batchTo(5n), 2 * VALUE_BYTES)).without(), [{ start: 2, end: 3 }]);
  await assert.rejects(offsetsOf(batchTo(5n), VALUE_BYTES), {
    code: 'KAFKA_BATCH_UNREADABLE',
    message: new RegExp(`more than the ${VALUE_BYTES} bytes`),
  });
});

test('verify decompresses no batch that has a message at each offset', async () => {
  assert.deepEqual((await offsetsOf(batchTo(2n), 1)).without(), [{ start: 2, end: 3 }]);
});
