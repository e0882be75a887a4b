import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { AbortedTransactions } from '../../adapters/kafka/wire/aborted-transactions.ts';
import type { FetchedBatch } from '../../adapters/kafka/wire/fetched-batch.ts';
import { batchesIn } from '../../adapters/kafka/wire/fetched-batches.ts';
import {
  HEADER_OFFSETS,
  ATTRIBUTES,
  RecordBatch,
  encodeHeaders,
} from '../../adapters/kafka/wire/record-batch.ts';
import { batchOf, changeBatch, TIME_MS } from '../support/kafka-batches.ts';

test('interleaved transactions are read as committed or aborted by their markers', () => {
  const producer = fc.bigInt(1n, 3n);
  const step = fc.record({ producer, does: fc.constantFrom('send', 'plain', 'commit', 'abort') });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(40), (steps, startAt) => {
      const log = logAfter(steps);
      const from = BigInt(Math.min(startAt, log.batches.length));
      const response = Buffer.concat(log.batches.slice(Number(from)));
      const aborted = log.aborted.filter(({ lastOffset }) => lastOffset >= from);
      const transactions = new AbortedTransactions(aborted);
      const committed = [...batchesIn(response, 't/0', from)].filter((batch) =>
        transactions.isCommitted(batch),
      );
      assert.deepEqual(
        committed.map(({ firstOffset }: FetchedBatch) => firstOffset),
        log.committed.filter((offset) => offset >= from),
      );
    }),
    { numRuns: 300 },
  );
});

interface Log {
  readonly batches: readonly Buffer[];
  readonly aborted: readonly { producerId: bigint; firstOffset: bigint; lastOffset: bigint }[];
  /** Offsets of committed messages, in order. */
  readonly committed: readonly bigint[];
}

/** Returns a partition's log after the steps of some producers, one batch of one message per step. */
function logAfter(steps: readonly { producer: bigint; does: string }[]): Log {
  const batches: Buffer[] = [];
  const aborted: Log['aborted'][number][] = [];
  const committed: bigint[] = [];
  const open = new Map<bigint, bigint[]>();
  const end = (producerId: bigint, does: 'commit' | 'abort'): void => {
    const sent = open.get(producerId);
    if (sent === undefined) return;
    const offset = BigInt(batches.length);
    const attributes = ATTRIBUTES.transactional | ATTRIBUTES.control;
    const marker = Buffer.alloc(4);
    marker.writeInt16BE(does === 'abort' ? 0 : 1, 2);
    const batch = new RecordBatch();
    batch.add({ key: marker, value: Buffer.alloc(6), headers: encodeHeaders([]) });
    const sealed = Buffer.from(batch.seal({ id: producerId, epoch: 0, firstSequence: 0 }, TIME_MS));
    batches.push(
      changeBatch(sealed, (whole) => {
        whole.writeBigInt64BE(offset, 0);
        whole.writeInt16BE(attributes, HEADER_OFFSETS.attributes);
      }),
    );
    if (does === 'commit') committed.push(...sent);
    else aborted.push({ producerId, firstOffset: sent[0] ?? offset, lastOffset: offset });
    open.delete(producerId);
  };
  for (const { producer, does } of steps) {
    if (does === 'commit' || does === 'abort') {
      end(producer, does);
      continue;
    }
    const firstOffset = BigInt(batches.length);
    if (does === 'plain') committed.push(firstOffset);
    else open.set(producer, [...(open.get(producer) ?? []), firstOffset]);
    const attributes = does === 'plain' ? 0 : ATTRIBUTES.transactional;
    batches.push(batchOf(['x'], { firstOffset, producerId: does === 'plain' ? -1n : producer, attributes }));
  }
  for (const producer of [...open.keys()]) end(producer, 'commit');
  return { batches, aborted, committed: committed.sort((one, other) => (one < other ? -1 : 1)) };
}
