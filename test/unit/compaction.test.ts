import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import fc from 'fast-check';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { AddFile } from '../../adapters/delta/actions.ts';
import { sqlText, withDuckDb } from '../../adapters/duckdb/database.ts';
import { PipelineError } from '../../model/errors.ts';
import { mergeFiles, requireEqualRows } from '../../steps/upkeep/merge-files.ts';
import { orderByOffsets } from '../../steps/upkeep/offset-order.ts';
import { COMPACTED_TAG, planCompaction } from '../../steps/upkeep/plan-compaction.ts';
import { questions } from '../support/attempt-contract.ts';

const TODAY = '2026-03-02';
const LIMITS = { targetBytes: 100, openPartitionFiles: 3 };

function file(path: string, size: number, day = '2026-03-01', tags: AddFile['tags'] = null): AddFile {
  const partitionValues = { source: 's', ingested_on: day };
  return { path, size, partitionValues, modificationTime: 1, dataChange: true, tags };
}

function pathsOf(files: readonly AddFile[]): string[][] {
  return planCompaction(files, LIMITS, TODAY).map((group) => group.files.map(({ path }) => path));
}

describe('a plan of compaction', () => {
  test('merges neighbours of a past day up to the target size', () => {
    const files = ['a', 'b', 'c', 'd', 'e'].map((path) => file(path, 40));
    assert.deepEqual(pathsOf(files), [
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  test('leaves large files alone, and never merges two partitions', () => {
    assert.deepEqual(pathsOf([file('a', 75), file('b', 10), file('c', 10, '2026-02-28')]), []);
    assert.deepEqual(pathsOf([file('a', 75), file('b', 10), file('c', 10)]), [['b', 'c']]);
  });

  test('merges the current day once it has many files, without those merged before', () => {
    const merged = file('m', 20, TODAY, { [COMPACTED_TAG]: '3' });
    const fresh = ['a', 'b', 'c'].map((path) => file(path, 5, TODAY));
    assert.deepEqual(pathsOf([merged, ...fresh.slice(1)]), []);
    assert.deepEqual(pathsOf([merged, ...fresh]), [['a', 'b', 'c']]);
    assert.deepEqual(
      planCompaction([merged, ...fresh], LIMITS, '2026-03-03').map(({ files }) => files.length),
      [4],
    );
  });

  test('comes to an end for any sizes: each merge leaves fewer files, and the last plan is empty', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 150 }), { maxLength: 40 }), (sizes) => {
        let files = sizes.map((size, index) => file(`f${index}`, size));
        for (let round = 0; round <= sizes.length; round += 1) {
          const groups = planCompaction(files, LIMITS, TODAY);
          if (groups.length === 0) return;
          const gone = new Set(groups.flatMap((group) => group.files));
          assert.ok(groups.every(({ bytes }) => bytes <= LIMITS.targetBytes));
          files = [
            ...files.filter((one) => !gone.has(one)),
            ...groups.map(({ bytes }, index) => file(`r${round}g${index}`, bytes)),
          ];
        }
        assert.fail('the plans do not end');
      }),
    );
  });
});

describe('the order of files by their offsets', () => {
  test('is that of the batches, however the files are given', () => {
    const partitions = fc.array(fc.subarray(['t/0', 't/1', 't/2'], { minLength: 1 }), { maxLength: 12 });
    fc.assert(
      fc.property(partitions, fc.infiniteStream(fc.nat()), (batches, random) => {
        const ends = new Map<string, bigint>();
        const shuffled = batches
          .map((names, batch) => ({ names, batch, key: random.next().value as number }))
          .map(({ names, ...rest }) => ({
            ...rest,
            offsets: names.map((partition) => {
              const first = ends.get(partition) ?? 0n;
              ends.set(partition, first + 1n);
              return { partition, first };
            }),
          }))
          .sort((a, b) => a.key - b.key);
        const offsets = shuffled.flatMap((one, index) =>
          one.offsets.map((entry) => ({ ...entry, file: index })),
        );
        const seen = new Map<string, bigint>();
        const order = orderByOffsets(shuffled.length, offsets);
        assert.deepEqual(
          [...order].sort((a, b) => a - b),
          [...shuffled.keys()],
        );
        for (const index of order) {
          for (const { partition, first } of shuffled[index]?.offsets ?? []) {
            assert.ok(first > (seen.get(partition) ?? -1n));
            seen.set(partition, first);
          }
        }
      }),
    );
  });

  test('is the given one where files overlap', () => {
    const offsets = [
      { file: 0, partition: 't/0', first: 5n },
      { file: 1, partition: 't/0', first: 1n },
      { file: 1, partition: 't/1', first: 5n },
      { file: 0, partition: 't/1', first: 1n },
    ];
    assert.deepEqual(orderByOffsets(2, offsets), [0, 1]);
  });
});

describe('merged files', () => {
  let folder: string;
  const path = (name: string): string => join(folder, name);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'compaction-test-'));
  });

  after(() => rm(folder, { recursive: true }));

  async function use<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    return withDuckDb({ threads: 1, memoryLimit: '256MB', temporaryFolder: folder }, work);
  }

  /** Writes rows of `questions`, the columns of a message's position and `question_id`, to a file. */
  async function write(name: string, rows: string): Promise<string> {
    await use((connection) =>
      connection.run(
        `COPY (SELECT * FROM (VALUES ${rows}) AS rows(kafka_topic, kafka_partition, kafka_offset, question_id))
         TO ${sqlText(path(name))} (FORMAT parquet)`,
      ),
    );
    return path(name);
  }

  async function codeOf(files: readonly string[], merged: string): Promise<string> {
    try {
      await use((connection) => requireEqualRows(connection, questions, files, merged));
      return 'none';
    } catch (error) {
      return error instanceof PipelineError ? `${error.code}: ${error.message}` : 'another error';
    }
  }

  test('have the rows in the order of offsets, with their columns and Delta’s statistics', async () => {
    const second = await write('second', `('t', 0, 3, 'c'), ('t', 1, 0, NULL)`);
    const first = await write('first', `('t', 0, 1, 'a'), ('t', 0, 2, 'b')`);
    const output = path('merged');
    const inputs = [second, first];
    const written = await mergeFiles({ table: questions, inputs, output, temporaryFolder: folder });
    const rows = await use(async (connection) => {
      const read = await connection.runAndReadAll(
        `SELECT kafka_partition, kafka_offset, question_id FROM read_parquet(${sqlText(output)})`,
      );
      return read.getRows().map(([partition, offset, id]) => [Number(partition), Number(offset), id]);
    });
    assert.deepEqual(rows, [
      [0, 1, 'a'],
      [0, 2, 'b'],
      [0, 3, 'c'],
      [1, 0, null],
    ]);
    const stats = JSON.parse(written.stats) as Record<string, Record<string, number>>;
    assert.equal(written.rows, 4);
    assert.deepEqual([stats['minValues']?.['kafka_offset'], stats['maxValues']?.['kafka_offset']], [0, 3]);
    assert.equal(stats['nullCount']?.['question_id'], 1);
  });

  test('keep columns that the definition does not have, and read as null where a file lacks them', async () => {
    const older = await write('older', `('t', 0, 1, 'a')`);
    const newer = path('newer');
    await use((connection) =>
      connection.run(
        `COPY (SELECT 't' AS kafka_topic, 0 AS kafka_partition, 2 AS kafka_offset, 'b' AS question_id, 7 AS added)
         TO ${sqlText(newer)} (FORMAT parquet)`,
      ),
    );
    const output = path('widened');
    await mergeFiles({ table: questions, inputs: [older, newer], output, temporaryFolder: folder });
    const added = await use(async (connection) =>
      (await connection.runAndReadAll(`SELECT added FROM read_parquet(${sqlText(output)})`)).getRows().flat(),
    );
    assert.deepEqual(added, [null, 7]);
  });

  test('are refused unless they have the same rows, in any order', async () => {
    const files = [
      await write('one', `('t', 0, 1, 'a'), ('t', 0, 2, 'b')`),
      await write('two', `('t', 0, 3, NULL)`),
    ];
    const other = await write('other order', `('t', 0, 3, NULL), ('t', 0, 2, 'b'), ('t', 0, 1, 'a')`);
    assert.equal(await codeOf(files, other), 'none');
    for (const [name, rows, difference] of [
      ['a row less', `('t', 0, 1, 'a'), ('t', 0, 2, 'b')`, /2 rows in place of 3/],
      ['another value', `('t', 0, 1, 'a'), ('t', 0, 2, 'x'), ('t', 0, 3, NULL)`, /with other values/],
      ['swapped values', `('t', 0, 1, 'b'), ('t', 0, 2, 'a'), ('t', 0, 3, NULL)`, /with other values/],
      ['text for null', `('t', 0, 1, 'a'), ('t', 0, 2, 'b'), ('t', 0, 3, '')`, /with other values/],
      ['a row twice', `('t', 0, 1, 'a'), ('t', 0, 1, 'a'), ('t', 0, 3, NULL)`, /with other values/],
    ] as const) {
      const code = await codeOf(files, await write(name, rows));
      assert.match(code, /^UPKEEP_MISMATCH: questions: 2 files/, name);
      assert.match(code, difference, name);
    }
  });
});
