import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import test, { describe } from 'node:test';
import fc from 'fast-check';
import { FetchedBatch, type KafkaMessage } from '../../adapters/kafka/wire/fetched-batch.ts';
import { batchesIn } from '../../adapters/kafka/wire/fetched-batches.ts';
import { decodeHeaders } from '../../adapters/kafka/wire/headers.ts';
import {
  HEADER_OFFSETS,
  ATTRIBUTES,
  HEADER_BYTES,
  RecordBatch,
  encodeHeaders,
} from '../../adapters/kafka/wire/record-batch.ts';
import { PipelineError } from '../../model/errors.ts';
import { batchOf, changeBatch, legacyMessage, TIME_MS } from '../support/kafka-batches.ts';

const MAX_BYTES = 64 << 20;

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

test('a batch is read as it was written', async () => {
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

describe('a fetch response', () => {
  const three = [
    batchOf(['a', 'b'], { firstOffset: 3n }),
    batchOf(['c'], { firstOffset: 5n }),
    batchOf(['d'], { firstOffset: 9n }),
  ];
  const valuesOf = async (given: Buffer): Promise<string[]> =>
    (await messagesIn(given)).map(({ value, offset }) => `${offset}${String(value)}`);

  test('is read up to its last complete batch', async () => {
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

  test('is refused where its records are malformed, though the checksum matches', async () => {
    for (const end of [HEADER_BYTES + 1, HEADER_BYTES + 5, HEADER_BYTES + 12]) {
      const short = changeBatch(batchOf(['some value']), (whole) => Buffer.from(whole.subarray(0, end)));
      assert.match(
        await failureOf(short),
        /^KAFKA_BATCH_DAMAGED: t\/0: from offset 0 on, messages are damaged: a record/,
      );
    }
    const endless = changeBatch(batchOf(['some value']), (whole) => {
      whole.fill(0xff, HEADER_BYTES);
    });
    assert.match(
      await failureOf(endless),
      /^KAFKA_BATCH_DAMAGED: t\/0: from offset 0 on, messages are damaged/,
    );
  });

  test('is refused where its record count is too low or negative', async () => {
    const saying = (records: number): Buffer =>
      changeBatch(batchOf(['a', 'b']), (whole) => {
        whole.writeInt32BE(records, HEADER_OFFSETS.records);
      });
    assert.match(await failureOf(saying(1)), /^KAFKA_BATCH_DAMAGED: .* a batch has more than its records$/);
    assert.match(await failureOf(saying(-1)), /^KAFKA_BATCH_DAMAGED: .* says that it has -1 records$/);
    assert.match(await failureOf(saying(3)), /^KAFKA_BATCH_DAMAGED: .* a record ends too early$/);
  });

  describe('in a format before 0.11', () => {
    for (const format of [0, 1]) {
      test(`(${format}) is reported as such, with its last offset`, async () => {
        assert.match(
          await failureOf(legacyMessage(format, 3n)),
          new RegExp(
            `^KAFKA_BATCH_UNREADABLE: t/0: from offset 3 on, messages are of Kafka's message format ${format}, .*` +
              'the batch ends at offset 3$',
          ),
        );
      });
    }

    test('compressed begins after the previous batch, or where the read began, since it has only its last offset', () => {
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

  test('is read once when taken in parts, and no further than requested', () => {
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

  test('with malformed control records is refused', () => {
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

  test('in an unknown compression is reported as such', async () => {
    assert.match(
      await failureOf(batchOf(['a'], { attributes: 6 })),
      /^KAFKA_CODEC_MISSING: .*codec 6 of Kafka/,
    );
  });

  test('is decompressed, and bytes of another compression are refused', async () => {
    const zipped = changeBatch(batchOf(['a', 'b'], { attributes: 1 }), (whole) =>
      Buffer.concat([whole.subarray(0, HEADER_BYTES), gzipSync(whole.subarray(HEADER_BYTES))]),
    );
    assert.deepEqual(await valuesOf(zipped), ['0a', '1b']);
    assert.match(
      await failureOf(batchOf(['a', 'b'], { attributes: 1 })),
      /^KAFKA_BATCH_UNREADABLE: t\/0: from offset 0 on, messages are compressed with gzip and cannot be decompressed/,
    );
  });

  test('has the producer’s timestamps, or the broker’s with LogAppendTime', async () => {
    const later = (attributes: number): Buffer =>
      changeBatch(batchOf(['a'], { attributes }), (whole) => {
        whole.writeBigInt64BE(BigInt(TIME_MS) + 500n, HEADER_OFFSETS.maxTimestamp);
      });
    const timesOf = async (given: Buffer): Promise<number[]> =>
      (await messagesIn(given)).map(({ timestampMs }) => Number(timestampMs) - TIME_MS);
    assert.deepEqual(await timesOf(later(0)), [0]);
    assert.deepEqual(await timesOf(later(ATTRIBUTES.appendTime)), [500]);
  });
});
