/**
 * Shows why the package parquetjs-lite is used to read but never to write, and which inputs DuckDB must not get, as
 * docs/decisions says. Each test would fail if the package were correct.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import type { DuckDBConnection } from '@duckdb/node-api';
import { readRows } from '../../adapters/auditor/auditor.ts';
import { sqlText, withDuckDb } from '../../adapters/duckdb/database.ts';

/** Types of the parts of parquetjs-lite that these tests use; adapters/auditor/npm-parquetjs-lite.d.ts has those of the auditor. */
interface TheirParquet {
  readonly ParquetSchema: new (columns: Record<string, { type: string }>) => object;
  readonly ParquetWriter: {
    openFile(schema: object, file: string): Promise<TheirWriter>;
  };
}

interface TheirWriter {
  appendRow(row: object): Promise<void>;
  close(): Promise<void>;
}

const parquet = createRequire(import.meta.url)('parquetjs-lite') as TheirParquet;

describe('the package parquetjs-lite', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'named-packages-'));
  });

  after(() => rm(folder, { recursive: true }));

  async function withEngine(use: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
    const options = { threads: 1, memoryLimit: '512MB', temporaryFolder: folder };
    await withDuckDb(options, use);
  }

  async function valuesOf(connection: DuckDBConnection, sql: string): Promise<unknown[]> {
    return (await connection.runAndReadAll(sql)).getRows().flat();
  }

  /** Writes the same rows with both packages; returns the names of the two files. */
  async function written(
    connection: DuckDBConnection,
    types: { readonly theirs: string; readonly ours: string },
    values: readonly unknown[],
    ourValues: string,
  ): Promise<{ theirFile: string; ourFile: string }> {
    const [theirFile, ourFile] = [join(folder, 'theirs.parquet'), join(folder, 'ours.parquet')];
    await writeTheirs(theirFile, types.theirs, values);
    await connection.run(
      `COPY (SELECT unnest(${ourValues})::${types.ours} AS value) TO ${sqlText(ourFile)} (FORMAT parquet, COMPRESSION snappy)`,
    );
    return { theirFile, ourFile };
  }

  async function writeTheirs(file: string, type: string, values: readonly unknown[]): Promise<void> {
    await rm(file, { force: true });
    const writer = await parquet.ParquetWriter.openFile(new parquet.ParquetSchema({ value: { type } }), file);
    for (const value of values) await writer.appendRow({ value });
    await writer.close();
  }

  test('writes statistics of strings by which a filter loses rows; DuckDB does not', async () => {
    // The second sorts first by UTF-16, the first by UTF-8, which is Parquet's order.
    const texts = ['\u{ff5e}', '\u{1f600}'];
    await withEngine(async (connection) => {
      const list = `[${texts.map(sqlText).join(', ')}]`;
      const types = { theirs: 'UTF8', ours: 'VARCHAR' };
      const { theirFile, ourFile } = await written(connection, types, texts, list);
      for (const [file, found] of [
        [theirFile, []],
        [ourFile, texts],
      ] as const) {
        const from = `FROM read_parquet(${sqlText(file)})`;
        assert.deepEqual(await valuesOf(connection, `SELECT value ${from}`), texts);
        const filtered: unknown[] = [];
        for (const text of texts)
          filtered.push(
            ...(await valuesOf(connection, `SELECT value ${from} WHERE value = ${sqlText(text)}`)),
          );
        assert.deepEqual(filtered, found, file);
      }
    });
  });

  test('rounds integers over 2^53; DuckDB does not', async () => {
    const number = 2n ** 53n + 1n;
    await withEngine(async (connection) => {
      const types = { theirs: 'INT64', ours: 'BIGINT' };
      const { theirFile, ourFile } = await written(connection, types, [number], `[${number}]`);
      assert.deepEqual(await valuesOf(connection, `FROM read_parquet(${sqlText(theirFile)})`), [number - 1n]);
      assert.deepEqual(await valuesOf(connection, `FROM read_parquet(${sqlText(ourFile)})`), [number]);
    });
  });

  test('writes the string "false" as true; DuckDB as false', async () => {
    await withEngine(async (connection) => {
      const types = { theirs: 'BOOLEAN', ours: 'BOOLEAN' };
      const { theirFile, ourFile } = await written(connection, types, ['false'], `['false']`);
      assert.deepEqual(await valuesOf(connection, `FROM read_parquet(${sqlText(theirFile)})`), [true]);
      assert.deepEqual(await valuesOf(connection, `FROM read_parquet(${sqlText(ourFile)})`), [false]);
    });
  });

  test('writes no dictionaries, so that repeated strings take many times the bytes', async () => {
    await withEngine(async (connection) => {
      const texts = Array.from({ length: 20_000 }, (_, at) => `The name of exam ${at % 100}`);
      const list = `[format('The name of exam {}', i % 100) FOR i IN range(20000)]`;
      const { theirFile, ourFile } = await written(
        connection,
        { theirs: 'UTF8', ours: 'VARCHAR' },
        texts,
        list,
      );
      assert.deepEqual(await valuesOf(connection, `FROM read_parquet(${sqlText(ourFile)})`), texts);
      assert.ok((await stat(theirFile)).size > 10 * (await stat(ourFile)).size);
    });
  });

  test('does not read repeated timestamps as DuckDB writes them', async () => {
    await withEngine(async (connection) => {
      const file = join(folder, 'times.parquet');
      await connection.run(
        `COPY (SELECT make_timestamptz(i % 3) AS value FROM range(1000) t(i)) TO ${sqlText(file)} (FORMAT parquet)`,
      );
      await assert.rejects(readRows(file, ['value']).next(), { code: 'HDFS_DAMAGED' });
    });
  });
});

test('DuckDB silently turns a wrong type into null and rounds numbers, so a check precedes it', async () => {
  const options = { threads: 1, memoryLimit: '64MB', temporaryFolder: tmpdir() };
  await withDuckDb(options, async (connection) => {
    const read = await connection.runAndReadAll(
      `SELECT unnest(json_transform('{"a": "x", "b": 1.7, "c": 1, "c": 2}', '{"a": "INTEGER", "b": "INTEGER", "c": "INTEGER"}'))`,
    );
    assert.deepEqual(read.getRowObjectsJson(), [{ a: null, b: 2, c: 1 }]);
  });
});
