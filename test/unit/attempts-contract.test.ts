/**
 * The tables of attempts were defined in TypeScript before they were derived from the contract, and warehouses have them:
 * frozen-attempts.json is what these definitions said.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { withDuckDb } from '../../adapters/duckdb/database.ts';
import { parseSettings } from '../../model/settings.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { BatchRows } from '../../steps/transform/batch-rows.ts';
import { contracts } from '../../tables/contracts.ts';
import { DERIVED_TABLES, TABLES } from '../../tables/index.ts';
import { deltaMetadata } from '../../tables/table.ts';

const Column = z.strictObject({
  name: z.string(),
  type: z.string(),
  meaning: z.string(),
  field: z.string().optional(),
});
const Frozen = z.object({
  shape: z.unknown(),
  tables: z.array(
    z.object({
      name: z.string(),
      row: z.string(),
      columns: z.array(Column),
      select: z.string(),
      metadata: z.object({
        name: z.string(),
        description: z.string(),
        partitionColumns: z.array(z.string()),
        schemaString: z.string(),
      }),
    }),
  ),
  views: z.array(z.object({ name: z.string(), row: z.string(), select: z.string() })),
});

const frozen = Frozen.parse(
  JSON.parse(await readFile(new URL('frozen-attempts.json', import.meta.url), 'utf8')),
);
const contract = contracts().find(({ name }) => name === 'attempts');
assert.ok(contract);
const { shape, tables, views, person, identity } = contract;

/** Records of all kinds: with and without optional parts, and each third delivered twice. */
function* records(): Generator<Buffer> {
  for (const [at, attempt] of [...generateAttempts({ seed: 26, count: 60 })].entries()) {
    const record = Buffer.from(JSON.stringify(attempt));
    yield record;
    if (at % 3 === 0) yield record;
  }
}

async function withRecords(use: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'contract-test-'));
  try {
    await withDuckDb({ threads: 1, memoryLimit: '256MB', temporaryFolder: folder }, async (connection) => {
      const values = [...records()];
      const settings = parseSettings('sources: { a: { topic: t } }', 'test');
      const rows = await BatchRows.create(connection, { settings, topic: 't', messages: values.length });
      const messages = values.map((value, at) => ({
        ...{ partition: at % 2, offset: BigInt(at), timestampMs: 1000 - (at % 7), key: null, headers: '[]' },
        value,
      }));
      for (const message of messages) rows.add(message);
      await rows.finish(() => messages);
      assert.equal(rows.quarantined, 0);
      await use(connection);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Returns a query's rows with its columns' names and types, in an order that the rows alone decide. */
async function answer(connection: DuckDBConnection, sql: string): Promise<unknown> {
  const result = await connection.runAndReadAll(`SELECT * FROM (${sql}) ORDER BY ALL`);
  return {
    columns: result.columnNames(),
    types: result.columnTypes().map(String),
    rows: result.getRowsJson(),
  };
}

test('an attempt has the shape that it had, in the same order', () => {
  assert.equal(JSON.stringify(sorted(shape)), JSON.stringify(sorted(frozen.shape)));
});

/** Sorts the keys of the shapes, which have no order, but not the fields. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [key, sorted(inner)]);
  if ('kind' in value) entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries);
}

test('the tables have the same columns, and the same metadata byte for byte', () => {
  assert.deepEqual(
    tables.map(({ name, row, columns }) => ({ name, row, columns })),
    frozen.tables.map(({ name, row, columns }) => ({ name, row, columns })),
  );
  for (const [at, table] of tables.entries()) {
    const { name, description, partitionColumns, schemaString } = deltaMetadata(table);
    assert.deepEqual({ name, description, partitionColumns, schemaString }, frozen.tables[at]?.metadata);
  }
});

test('the tables are committed and listed in the same order', () => {
  const names = ['quarantine', 'attempts', 'questions', 'options'];
  assert.deepEqual(
    DERIVED_TABLES.map(({ name }) => name),
    names,
  );
  assert.deepEqual(
    TABLES.map(({ name }) => name),
    [...names, 'deliveries', 'replays', 'runs', 'erasures'],
  );
});

test('the SELECTs of the tables, and the views, return the same rows', async () => {
  await withRecords(async (connection) => {
    // The relation of the records was called like one.
    await connection.run('CREATE VIEW attempt AS FROM record');
    for (const [at, { name, select }] of tables.entries()) {
      assert.deepEqual(
        await answer(connection, select),
        await answer(connection, frozen.tables[at]?.select ?? ''),
      );
      await connection.run(`CREATE TABLE ${name} AS ${select}`);
    }
    assert.deepEqual(
      views.map(({ name, row }) => ({ name, row })),
      frozen.views.map(({ name, row }) => ({ name, row })),
    );
    for (const [at, { name, select }] of views.entries()) {
      await connection.run(`CREATE VIEW ${name} AS ${select}`);
      const before = frozen.views[at]?.select ?? '';
      assert.deepEqual(await answer(connection, select), await answer(connection, before));
    }
    const counts = await connection.runAndReadAll(
      'SELECT (SELECT count(*) FROM attempts), (SELECT count(*) FROM attempts_deduplicated)',
    );
    assert.deepEqual(counts.getRowsJson(), [['80', '60']]);
  });
});

test('the person and the identity are those that they were', () => {
  assert.equal(person, 'user_exam_id');
  assert.deepEqual(identity, ['keen_id']);
});
