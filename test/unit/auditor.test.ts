import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { gzipSync } from 'node:zlib';
import { PageHeader } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import rle from 'parquetjs-lite/lib/codec/rle.js';
import compression from 'parquetjs-lite/lib/compression.js';
import util from 'parquetjs-lite/lib/util.js';
import { compress } from 'snappyjs';
import { sqlText, withDuckDb } from '../../adapters/duckdb/database.ts';

// Taken before the auditor replaces it.
const theirs = rle.decodeValues.bind(rle);
const theirCodecs = Object.keys(compression.PARQUET_COMPRESSION_METHODS);
const { readRows } = await import('../../adapters/auditor/auditor.ts');

const COLUMNS = ['kafka_topic', 'kafka_partition', 'kafka_offset'];

/** Values of a dictionary column are strings, others are unchanged. */
function textOf(value: unknown): string {
  return typeof value === 'string'
    ? value
    : typeof value === 'undefined'
      ? 'null'
      : `${value as number | bigint}`;
}

describe('the auditor’s reader of Parquet', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'auditor-test-'));
  });

  after(() => rm(folder, { recursive: true }));

  async function write(select: string, codec = 'snappy'): Promise<{ file: string; rows: string[][] }> {
    const file = join(folder, 'file.parquet');
    const options = { threads: 1, memoryLimit: '512MB', temporaryFolder: folder };
    return withDuckDb(options, async (connection) => {
      await connection.run(`CREATE TABLE rows AS ${select}`);
      await connection.run(`COPY rows TO ${sqlText(file)} (FORMAT parquet, COMPRESSION ${codec})`);
      const read = await connection.runAndReadAll(`SELECT ${COLUMNS.join(', ')} FROM rows`);
      return { file, rows: read.getRows().map((row) => row.map(String)) };
    });
  }

  async function read(file: string): Promise<string[][]> {
    const rows: string[][] = [];
    for await (const group of readRows(file, COLUMNS)) {
      rows.push(...group.map((row) => COLUMNS.map((column) => textOf(row[column]))));
    }
    return rows;
  }

  for (const { what, select } of [
    {
      what: 'offsets that repeat, as an attempt’s questions have them',
      select: `SELECT 't' AS kafka_topic, (i // 7000)::INTEGER AS kafka_partition, (i // 7)::BIGINT AS kafka_offset
        FROM range(140000) t(i)`,
    },
    {
      what: 'offsets of many partitions in turn',
      select: `SELECT 't' AS kafka_topic, (i % 300)::INTEGER AS kafka_partition, (i // 300 + 9000000000)::BIGINT AS kafka_offset
        FROM range(60000) t(i)`,
    },
    {
      what: 'nulls, as records refused at publish have them',
      select: `SELECT 't' AS kafka_topic, if(i % 3 = 0, NULL, 1)::INTEGER AS kafka_partition,
        if(i % 3 = 0, NULL, i)::BIGINT AS kafka_offset FROM range(1000) t(i)`,
    },
    {
      what: 'nothing but nulls',
      select: `SELECT 't' AS kafka_topic, NULL::INTEGER AS kafka_partition, NULL::BIGINT AS kafka_offset FROM range(3)`,
    },
  ]) {
    for (const codec of ['snappy', 'zstd']) {
      test(`reads ${what} as DuckDB wrote them with ${codec}`, async () => {
        const { file, rows } = await write(select, codec);
        assert.deepEqual(await read(file), rows);
      });
    }
  }

  test('reads long strings compressed with zstd unchanged, repeated and distinct; parquetjs-lite alone reads none', async () => {
    assert.ok(!theirCodecs.includes('ZSTD'));
    const { file, rows } = await write(
      `SELECT repeat(md5((i % 50)::VARCHAR), 1 + i % 70) || md5(i::VARCHAR) AS kafka_topic,
        0 AS kafka_partition, i AS kafka_offset FROM range(20000) t(i)`,
      'zstd',
    );
    assert.deepEqual(await read(file), rows);
  });

  test('needs its own run-length decoder: that of parquetjs-lite reads entry 330 as 75', () => {
    // A run of eight, of a dictionary whose entries have nine bits: 330 is 0x14a.
    const run = { buffer: Buffer.from([8 << 1, 0x4a, 0x01]), offset: 0 };
    const options = { bitWidth: 9, disableEnvelope: true };
    assert.deepEqual(theirs('INT32', { ...run }, 8, options), new Array(8).fill(75));
    assert.deepEqual(rle.decodeValues('INT32', { ...run }, 8, options), new Array(8).fill(330));
  });

  describe('of a page that is larger than its header states', () => {
    const PAGE_BYTES = 1_000;
    const more = Buffer.alloc(PAGE_BYTES + 1, 'a');
    // zstd blocks that each repeat a byte 128 KiB times, after a header without the content's size.
    const zstdHead = Buffer.from('28b52ffd0050', 'hex');
    const zstdBlock = Buffer.from('02001061', 'hex');
    const zstdLast = Buffer.from('03001061', 'hex');

    /** Thrift compact protocol: the page's type, its size and its compressed size, each a varint. */
    function pageHeader(pageBytes: number): Buffer {
      const size: number[] = [];
      for (let rest = pageBytes * 2; rest > 0; rest = Math.floor(rest / 128))
        size.push((rest % 128) | (rest < 128 ? 0 : 128));
      return Buffer.from([0x15, 0, 0x15, ...size, 0x15, 2, 0]);
    }

    function inflate(codec: string, packed: Buffer, pageBytes: number): Buffer {
      // As parquetjs-lite does: it decodes the page's header, then the page.
      util.decodeThrift(new PageHeader(), pageHeader(pageBytes));
      const method = compression.PARQUET_COMPRESSION_METHODS[codec];
      assert.ok(method);
      return Buffer.from(method.inflate(packed));
    }

    for (const [codec, packed] of [
      ['GZIP', gzipSync(more)],
      ['SNAPPY', compress(more)],
      ['ZSTD', Buffer.concat([zstdHead, ...Array.from({ length: 20_000 }, () => zstdBlock), zstdLast])],
    ] as const) {
      test(`refuses ${codec}`, () => {
        assert.throws(() => inflate(codec, packed, PAGE_BYTES), {
          code: 'HDFS_DAMAGED',
          message: /does not decompress into the 1000 bytes of its header/,
        });
        assert.throws(() => inflate(codec, packed, 2 ** 31 - 1), {
          code: 'HDFS_DAMAGED',
          message: /a page may have/,
        });
      });
    }

    test('reads the number of bytes that its header states', () => {
      assert.deepEqual(inflate('GZIP', gzipSync(more), more.length), more);
      assert.deepEqual(inflate('SNAPPY', compress(more), more.length), more);
      const blocks = Buffer.concat([zstdHead, zstdBlock, zstdLast]);
      assert.deepEqual(inflate('ZSTD', blocks, 2 << 17), Buffer.alloc(2 << 17, 'a'));
    });

    for (const [what, frame, says] of [
      ['with a window of 2 GiB', '28b52ffd00a8' + '03001061', /2147483648 bytes of window/],
      [
        'that says it has gigabytes',
        '28b52ffda0' + '00000080' + '03001061',
        /says that it has 2147483648 bytes/,
      ],
      [
        'after which another one comes',
        '28b52ffd0050' + '03001061' + '28b52ffd00a8' + '03001061',
        /not one frame/,
      ],
      ['that is cut off', '28b52ffd0050' + '020010', /cut off/],
      ['that is invalid', '504b0304', /no frame of zstd/],
    ] as const) {
      test(`refuses a zstd frame ${what} before it allocates memory`, () => {
        assert.throws(() => inflate('ZSTD', Buffer.from(frame, 'hex'), 1 << 20), {
          code: 'HDFS_DAMAGED',
          message: says,
        });
      });
    }

    test('reads no more of a run than the values requested', () => {
      const run = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f, 1]);
      const options = { bitWidth: 1, disableEnvelope: true };
      assert.deepEqual(rle.decodeValues('INT32', { buffer: run, offset: 0 }, 3, options), [1, 1, 1]);
    });
  });

  test('refuses a file that is not Parquet, or is truncated', async () => {
    const { file } = await write(
      `SELECT 't' AS kafka_topic, 1 AS kafka_partition, 1::BIGINT AS kafka_offset`,
    );
    await writeFile(file, 'PAR1 and nothing of it');
    await assert.rejects(read(file), { code: 'HDFS_DAMAGED' });
  });
});
