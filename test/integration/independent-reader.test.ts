import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { DuckDBBlobValue, type DuckDBConnection } from '@duckdb/node-api';
import { Auditor, readRows, type AuditedRow } from '../../adapters/auditor/auditor.ts';
import { sqlName, sqlText, withDuckDb } from '../../adapters/duckdb/database.ts';
import { storeTemporary } from '../../adapters/hdfs/verified-upload.ts';
import type { StagedFile } from '../../model/references.ts';
import { parseSettings } from '../../model/settings.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { BatchRows } from '../../steps/transform/batch-rows.ts';
import { writeTable } from '../../steps/transform/table-files.ts';
import { BATCH_TABLES } from '../../tables/index.ts';
import { FaultyHdfs, NAME_NODE } from '../support/faulty-hdfs.ts';

const TABLES_BY_NAME = new Map(BATCH_TABLES.map((table) => [table.name, table]));

let hdfs: FaultyHdfs;

before(async () => {
  hdfs = await FaultyHdfs.start('independent-reader');
});
after(() => hdfs.stop());

describe('webhdfs and parquetjs-lite, as the independent reader of what we wrote', () => {
  const SETTINGS = parseSettings('sources: { customer: { topic: t } }', 'test');
  const BAD = Buffer.from('{"keen_id": 1}');

  /** The files of a batch of generated attempts, and of one message that no table takes. */
  async function filesOf(connection: DuckDBConnection): Promise<StagedFile[]> {
    const values = [...generateAttempts({ seed: 3, count: 500 })].map((one) =>
      Buffer.from(JSON.stringify(one)),
    );
    const messages = [...values, BAD].map((value, at) => {
      const place = { partition: at % 3, offset: 9_000_000_000n + BigInt(at), timestampMs: at };
      return { ...place, key: Buffer.from([0xff, at % 250]), headers: '[]', value };
    });
    const batch = await BatchRows.create(connection, {
      settings: SETTINGS,
      topic: 't',
      messages: messages.length,
    });
    for (const message of messages) batch.add(message);
    await batch.finish(() => messages);
    const target = {
      folder: '',
      ingestedOn: '2026-01-31',
      resolve: (path: string) => join(hdfs.local, path),
    };
    const files: StagedFile[] = [];
    for (const table of BATCH_TABLES) {
      const file = await writeTable(connection, table, 'customer', target);
      assert.ok(file, table.name);
      files.push(file);
    }
    return files;
  }

  test('gives every row of every table, value by value, but for its times', async () => {
    const auditor = new Auditor({ nameNodes: [NAME_NODE], user: 'hdfs' });
    const options = { threads: 1, memoryLimit: '512MB', temporaryFolder: hdfs.local };
    await withDuckDb(options, async (connection) => {
      const files = await filesOf(connection);
      for (const { table, path, rows, bytes } of files) {
        const local = join(hdfs.local, path);
        const stored = await storeTemporary(hdfs.direct, { file: local }, `${hdfs.root}/${path}`);
        const copy = `${local}.read-back`;
        assert.deepEqual(await auditor.read(stored.path, copy), { bytes, sha256: stored.sha256 });
        const columns = TABLES_BY_NAME.get(table)?.columns.filter(({ type }) => type !== 'timestamp') ?? [];
        const names = columns.map(({ name }) => name);
        const written = await connection.runAndReadAll(
          `SELECT ${names.map(sqlName).join(', ')} FROM read_parquet(${sqlText(local)})`,
        );
        const found: AuditedRow[] = [];
        for await (const group of readRows(copy, names)) found.push(...group);
        assert.equal(found.length, rows);
        const texts = found.map((row) => names.map((name) => textOf(row[name])));
        assert.deepEqual(
          texts,
          written.getRows().map((row) => row.map(textOf)),
          table,
        );
      }
    });
  });

  /** Either reader's way to say a value: whole numbers are numbers, bigints or texts, a null is undefined. */
  function textOf(value: unknown): string {
    if (value === undefined || value === null) return 'null';
    if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('hex');
    if (Buffer.isBuffer(value)) return value.toString('hex');
    return `${value as string | number | bigint | boolean}`;
  }
});
