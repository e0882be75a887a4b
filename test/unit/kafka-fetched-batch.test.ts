import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import test, { describe } from 'node:test';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { AbortedTransactions } from '../../adapters/kafka/wire/aborted-transactions.ts';
import { batchesIn, FetchedBatch, type KafkaMessage } from '../../adapters/kafka/wire/fetched-batch.ts';
import { decodeHeaders } from '../../adapters/kafka/wire/headers.ts';
import {
  HEADER_OFFSETS,
  ATTRIBUTES,
  HEADER_BYTES,
  RecordBatch,
  encodeHeaders,
} from '../../adapters/kafka/wire/record-batch.ts';
import { PipelineError } from '../../model/errors.ts';
import { legacyMessage } from '../support/kafka-batches.ts';

const TIME_MS = 1_516_717_442_735;
const MAX_BYTES = 64 << 20;

interface Head {
  readonly firstOffset?: bigint;
  readonly attributes?: number;
  readonly producerId?: bigint;
}

/** A batch as a broker gives it, with other fields than a producer gives it. */
function batchOf(values: readonly string[], head: Head = {}): Buffer {
  const batch = new RecordBatch();
  for (const value of values) batch.add({ key: null, value: Buffer.from(value), headers: encodeHeaders([]) });
  const producer = { id: head.producerId ?? 7n, epoch: 0, firstSequence: 0 };
  return changed(Buffer.from(batch.seal(producer, TIME_MS)), (bytes) => {
    bytes.writeBigInt64BE(head.firstOffset ?? 0n, 0);
    bytes.writeInt16BE(head.attributes ?? 0, HEADER_OFFSETS.attributes);
  });
}

/** A batch with something changed, and a length and a checksum that fit. */
function changed(batch: Buffer, change: (bytes: Buffer) => unknown): Buffer {
  const made = change(batch);
  const bytes = Buffer.isBuffer(made) ? made : batch;
  bytes.writeInt32BE(bytes.length - HEADER_OFFSETS.leaderEpoch, HEADER_OFFSETS.length);
  bytes.writeUInt32BE(crc32c(bytes.subarray(HEADER_OFFSETS.attributes)), HEADER_OFFSETS.crc);
  return bytes;
}

const GZIP = 1;
async function messagesIn(bytes: Buffer): Promise<KafkaMessage[]> {
  const all: KafkaMessage[] = [];
  for (const batch of batchesIn(bytes, 't/0', 0n)) {
    batch.verifyChecksum();
    all.push(...(await batch.decompress(MAX_BYTES)).messages());
  }
  return all;
}

function codeAndText(error: unknown): string {
  return error instanceof PipelineError ? `${error.code}: ${error.message}` : String(error);
}

async function failureOf(bytes: Buffer): Promise<string> {
  return messagesIn(bytes).then(() => 'none', codeAndText);
}

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const part = fc.option(bytes);
const headers = fc.array(fc.tuple(fc.string(), bytes), { maxLength: 4 });
const records = fc.array(fc.tuple(part, part, headers), { minLength: 1, maxLength: 200 });

test('of a batch is read what was written into it', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.bigInt(0n, 2n ** 60n), async (written, firstOffset) => {
      const batch = new RecordBatch();
      for (const [key, value, own] of written) batch.add({ key, value, headers: encodeHeaders(own) });
      const sealed = Buffer.from(batch.seal({ id: 1n, epoch: 0, firstSequence: 0 }, TIME_MS));
      sealed.writeBigInt64BE(firstOffset, 0);
      const read = await messagesIn(sealed);
      assert.deepEqual(
        read.map(({ headers: own, ...message }) => ({ ...message, own: decodeHeaders(own).headers })),
        written.map(([key, value, own], at) => ({
          offset: firstOffset + BigInt(at),
          timestampMs: BigInt(TIME_MS),
          key,
          value,
          own,
        })),
      );
    }),
    { numRuns: 100 },
  );
});

describe('what a broker gives', () => {
  const three = [
    batchOf(['a', 'b'], { firstOffset: 3n }),
    batchOf(['c'], { firstOffset: 5n }),
    batchOf(['d'], { firstOffset: 9n }),
  ];
  const valuesOf = async (given: Buffer): Promise<string[]> =>
    (await messagesIn(given)).map(({ value, offset }) => `${offset}${String(value)}`);

  test('is read as far as its last batch is whole', async () => {
    const all = Buffer.concat(three);
    assert.deepEqual(await valuesOf(all), ['3a', '4b', '5c', '9d']);
    const cut = all.length - (three[2]?.length ?? 0);
    for (const length of [cut, cut + 1, cut + HEADER_BYTES, all.length - 1])
      assert.deepEqual(await valuesOf(all.subarray(0, length)), ['3a', '4b', '5c'], `${length}`);
  });

  test('is refused wherever a byte is another one', async () => {
    const batch = batchOf(['some value']);
    for (let at = HEADER_OFFSETS.magic; at < batch.length; at += 1) {
      const damaged = Buffer.from(batch);
      damaged.writeUInt8((damaged[at] ?? 0) ^ 0x10, at);
      assert.match(await failureOf(damaged), /^KAFKA_BATCH_(DAMAGED|UNREADABLE)/, `byte ${at}`);
    }
  });

  test('is refused where its records are none, though the checksum fits', async () => {
    for (const end of [HEADER_BYTES + 1, HEADER_BYTES + 5, HEADER_BYTES + 12]) {
      const short = changed(batchOf(['some value']), (whole) => Buffer.from(whole.subarray(0, end)));
      assert.match(
        await failureOf(short),
        /^KAFKA_BATCH_DAMAGED: t\/0: from offset 0 on, messages are damaged: a record/,
      );
    }
    const endless = changed(batchOf(['some value']), (whole) => {
      whole.fill(0xff, HEADER_BYTES);
    });
    assert.match(
      await failureOf(endless),
      /^KAFKA_BATCH_DAMAGED: t\/0: from offset 0 on, messages are damaged/,
    );
  });

  test('is refused where it has more records than it says, or says that it has fewer than none', async () => {
    const saying = (records: number): Buffer =>
      changed(batchOf(['a', 'b']), (whole) => {
        whole.writeInt32BE(records, HEADER_OFFSETS.records);
      });
    assert.match(await failureOf(saying(1)), /^KAFKA_BATCH_DAMAGED: .* a batch has more than its records$/);
    assert.match(await failureOf(saying(-1)), /^KAFKA_BATCH_DAMAGED: .* says that it has -1 records$/);
    assert.match(await failureOf(saying(3)), /^KAFKA_BATCH_DAMAGED: .* a record ends too early$/);
  });

  describe('in a format of before 0.11', () => {
    for (const format of [0, 1]) {
      test(`(${format}) is said to be that, with the offset that it ends at`, async () => {
        assert.match(
          await failureOf(legacyMessage(format, 3n)),
          new RegExp(
            `^KAFKA_BATCH_UNREADABLE: t/0: from offset 3 on, messages are of Kafka's message format ${format}, .*` +
              'the batch ends at offset 3$',
          ),
        );
      });
    }

    test('compressed begins after the batch before it, or where the read began, since it says its last offset alone', () => {
      const answer = Buffer.concat([
        legacyMessage(1, 7n, GZIP),
        legacyMessage(1, 9n),
        legacyMessage(0, 14n, GZIP),
      ]);
      assert.deepEqual(
        [...batchesIn(answer, 't/0', 5n)].map((batch) => [
          batch.firstOffset,
          batch.lastOffset,
          batch.records,
        ]),
        [
          [5n, 7n, 3],
          [9n, 9n, 1],
          [10n, 14n, 5],
        ],
      );
    });

    test('is refused wherever a byte is another one', async () => {
      const message = legacyMessage(1, 0n);
      for (let at = HEADER_OFFSETS.magic + 1; at < message.length; at += 1) {
        const damaged = Buffer.from(message);
        damaged.writeUInt8((damaged[at] ?? 0) ^ 0x10, at);
        assert.match(await failureOf(damaged), /^KAFKA_BATCH_DAMAGED/, `byte ${at}`);
      }
    });
  });

  test('in parts is read once, however many messages it has, and as far as is asked for', () => {
    const MESSAGES = 2_000_000;
    const A_PART = 500;
    const batch = new RecordBatch();
    const headers = encodeHeaders([]);
    for (let at = 0; at < MESSAGES; at += 1) batch.add({ key: null, value: null, headers });
    const whole = new FetchedBatch(batch.seal({ id: 1n, epoch: 0, firstSequence: 0 }, TIME_MS), 't/0');
    let expected = 10n;
    for (const part of whole.between(10n, BigInt(MESSAGES - 10), () => A_PART)) {
      assert.equal(part.offsetOf(part.map(({ offsetDelta }) => offsetDelta)[0] ?? 0), expected);
      expected += BigInt(part.records);
      assert.equal(part.lastOffset, expected - 1n);
    }
    assert.equal(expected, BigInt(MESSAGES - 10));
    let left = 3;
    const parts = [...whole.between(0n, 100n, () => left--)];
    assert.deepEqual(
      parts.map(({ records }) => records),
      [3, 2, 1],
    );
  });

  test('of control records that say of no kind, or are none, is damaged', () => {
    for (const [key, says] of [
      [Buffer.alloc(3), /too short/],
      [null, /too short/],
    ] as const) {
      const batch = new RecordBatch();
      batch.add({ key, value: null, headers: encodeHeaders([]) });
      const sealed = Buffer.from(batch.seal({ id: 1n, epoch: 0, firstSequence: 0 }, TIME_MS));
      sealed.writeInt16BE(ATTRIBUTES.control, HEADER_OFFSETS.attributes);
      assert.throws(() => new FetchedBatch(sealed, 't/0').isAbortMarker(), {
        code: 'KAFKA_BATCH_DAMAGED',
        message: says,
      });
    }
    const empty = batchOf([], { attributes: ATTRIBUTES.control });
    assert.throws(() => new FetchedBatch(empty, 't/0').isAbortMarker(), { code: 'KAFKA_BATCH_DAMAGED' });
  });

  test('in a compression that nobody knows is said to be that', async () => {
    assert.match(
      await failureOf(batchOf(['a'], { attributes: 6 })),
      /^KAFKA_CODEC_MISSING: .*codec 6 of Kafka/,
    );
  });

  test('compressed is read, and what is not of its compression is refused', async () => {
    const zipped = changed(batchOf(['a', 'b'], { attributes: 1 }), (whole) =>
      Buffer.concat([whole.subarray(0, HEADER_BYTES), gzipSync(whole.subarray(HEADER_BYTES))]),
    );
    assert.deepEqual(await valuesOf(zipped), ['0a', '1b']);
    assert.match(
      await failureOf(batchOf(['a', 'b'], { attributes: 1 })),
      /^KAFKA_BATCH_UNREADABLE: t\/0: from offset 0 on, messages are compressed with gzip and cannot be decompressed/,
    );
  });

  test('has the times of its producer, or the broker’s where the topic is set so', async () => {
    const later = (attributes: number): Buffer =>
      changed(batchOf(['a'], { attributes }), (whole) => {
        whole.writeBigInt64BE(BigInt(TIME_MS) + 500n, HEADER_OFFSETS.maxTimestamp);
      });
    const timesOf = async (given: Buffer): Promise<number[]> =>
      (await messagesIn(given)).map(({ timestampMs }) => Number(timestampMs) - TIME_MS);
    assert.deepEqual(await timesOf(later(0)), [0]);
    assert.deepEqual(await timesOf(later(ATTRIBUTES.appendTime)), [500]);
  });
});

test('of any transactions, one within another, that is told committed which was', () => {
  const producer = fc.bigInt(1n, 3n);
  const step = fc.record({ producer, does: fc.constantFrom('send', 'plain', 'commit', 'abort') });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(40), (steps, startAt) => {
      const log = played(steps);
      const from = BigInt(Math.min(startAt, log.batches.length));
      const answer = Buffer.concat(log.batches.slice(Number(from)));
      const aborted = log.aborted.filter(({ lastOffset }) => lastOffset >= from);
      const told = new AbortedTransactions(aborted);
      const committed = [...batchesIn(answer, 't/0', from)].filter((batch) => told.isCommitted(batch));
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
  /** The offsets of committed messages, in order. */
  readonly committed: readonly bigint[];
}

/** What a partition holds after some producers did something, a batch of one message a step; as a broker tells it. */
function played(steps: readonly { producer: bigint; does: string }[]): Log {
  const batches: Buffer[] = [];
  const aborted: Log['aborted'][number][] = [];
  const committed: bigint[] = [];
  const open = new Map<bigint, bigint[]>();
  const end = (producerId: bigint, does: 'commit' | 'abort'): void => {
    const sent = open.get(producerId);
    if (sent === undefined) return;
    const at = BigInt(batches.length);
    const attributes = ATTRIBUTES.transactional | ATTRIBUTES.control;
    const marker = Buffer.alloc(4);
    marker.writeInt16BE(does === 'abort' ? 0 : 1, 2);
    const batch = new RecordBatch();
    batch.add({ key: marker, value: Buffer.alloc(6), headers: encodeHeaders([]) });
    const sealed = Buffer.from(batch.seal({ id: producerId, epoch: 0, firstSequence: 0 }, TIME_MS));
    batches.push(
      changed(sealed, (whole) => {
        whole.writeBigInt64BE(at, 0);
        whole.writeInt16BE(attributes, HEADER_OFFSETS.attributes);
      }),
    );
    if (does === 'commit') committed.push(...sent);
    else aborted.push({ producerId, firstOffset: sent[0] ?? at, lastOffset: at });
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
