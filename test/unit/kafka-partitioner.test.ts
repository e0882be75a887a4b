import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Partitioners, type PartitionMetadata } from 'kafkajs';
import { partitionOf } from '../../adapters/kafka/partitioner.ts';

/** Keys of Kafka's own tests, from org.apache.kafka.common.utils.UtilsTest.testMurmur2. */
const KNOWN: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
];

test('a key has the partition of Kafka’s own producers', () => {
  for (const [key, hash] of KNOWN) {
    for (const partitions of [1, 6, 97, 2 ** 30])
      assert.equal(partitionOf(Buffer.from(key), partitions), (hash & 0x7fffffff) % partitions, key);
  }
});

test('any key has the partition of kafkajs', () => {
  const choose = Partitioners.DefaultPartitioner();
  const key = fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(key, fc.integer({ min: 1, max: 100 }), (bytes, count) => {
      const partitionMetadata: PartitionMetadata[] = Array.from({ length: count }, (_, partitionId) => ({
        partitionErrorCode: 0,
        partitionId,
        leader: 0,
        replicas: [],
        isr: [],
      }));
      const chosen = choose({ topic: 'attempts', partitionMetadata, message: { key: bytes, value: null } });
      assert.equal(partitionOf(bytes, count), chosen);
    }),
    { numRuns: 500 },
  );
});
