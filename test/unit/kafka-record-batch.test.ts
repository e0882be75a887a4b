import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import decode from 'kafkajs/src/protocol/recordBatch/v0/decoder.js';
import { RecordBatch, encodeHeaders } from '../../adapters/kafka/wire/record-batch.ts';

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const part = fc.option(bytes);
/** kafkajs confuses names of Object.prototype's members, such as `constructor`, with earlier headers. */
const name = fc.stringMatching(/^[a-z-]{1,20}$/).filter((text) => !(text in {}));
const headers = fc.uniqueArray(fc.tuple(name, bytes), { selector: ([key]) => key, maxLength: 4 });
const records = fc.array(fc.tuple(part, part, headers), { minLength: 1, maxLength: 200 });

test('kafkajs reads a batch as it was written', async () => {
  await fc.assert(
    fc.asyncProperty(records, async (written) => {
      const batch = new RecordBatch();
      for (const [key, value, own] of written) batch.add({ key, value, headers: encodeHeaders(own) });
      const producer = { id: 2n ** 40n + 3n, epoch: 7, firstSequence: 11 };
      const sealed = batch.seal(producer, 1_516_717_442_735);
      assert.equal(sealed.length, batch.bytes);
      const read = await decode(new Decoder(sealed));
      assert.deepEqual(
        [read.producerId, read.producerEpoch, read.firstSequence, read.inTransaction],
        ['1099511627779', 7, 11, true],
      );
      assert.deepEqual(
        read.records.map(({ offset, timestamp, key, value, headers: own }) => ({
          offset,
          timestamp,
          key,
          value,
          own: { ...own },
        })),
        written.map(([key, value, own], at) => ({
          offset: String(at),
          timestamp: '1516717442735',
          key,
          value,
          own: Object.fromEntries(own),
        })),
      );
    }),
    { numRuns: 100 },
  );
});

test('a large value after others is read completely', async () => {
  const batch = new RecordBatch();
  const values = [Buffer.alloc(60_000, 1), Buffer.alloc(900_000, 2), Buffer.alloc(70_000, 3)];
  for (const value of values) batch.add({ key: null, value, headers: encodeHeaders([]) });
  const { records: read } = await decode(new Decoder(batch.seal({ id: 1n, epoch: 0, firstSequence: 0 }, 0)));
  assert.ok(read.every(({ value }, at) => value?.equals(values[at] ?? Buffer.alloc(0))));
});
