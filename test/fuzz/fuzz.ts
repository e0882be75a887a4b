/**
 * Fuzzes the record path: mutated attempts go through the scan, the check and DuckDB in batches. Nothing may crash or
 * hang, every record must land or be quarantined with a reason, and landed rows must have every value that an
 * independent JSON reader finds.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { requireSameCounts, writeTable } from '../../steps/transform/table-files.ts';
import { BatchRows } from '../../steps/transform/batch-rows.ts';
import { sqlText, withDuckDb } from '../../adapters/duckdb/database.ts';
import { parseSettings } from '../../model/settings.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { Random } from '../../simulator/random.ts';
import { BATCH_TABLES } from '../../tables/index.ts';
import { attempts as attemptsTable, options, questions } from '../support/attempt-contract.ts';
import type { StagedFile } from '../../model/references.ts';
import { columnsOf, expectedRows } from '../support/expected-rows.ts';
import { mutate } from '../support/mutations.ts';

/** Size of a fuzz run. The same seed and count produce the same records. */
export interface FuzzOptions {
  readonly seed: number;
  readonly records: number;
  /** Milliseconds after which no new batch begins. */
  readonly timeoutMs: number;
}

/** Result of a fuzz run. */
export interface FuzzCounts {
  records: number;
  landed: number;
  quarantined: number;
  /** Number of faulty records, by reason. */
  readonly reasons: Map<string, number>;
}

const SETTINGS = parseSettings('sources: { fuzz: { topic: fuzz } }', 'fuzz');
const BATCH = 2_000;

/** Mutates and transforms records; throws at the first violation. */
export async function fuzz({ seed, records, timeoutMs }: FuzzOptions): Promise<FuzzCounts> {
  const counts: FuzzCounts = { records: 0, landed: 0, quarantined: 0, reasons: new Map() };
  const random = new Random(seed);
  const source = generateAttempts({ seed, count: Infinity });
  const deadline = performance.now() + timeoutMs;
  const folder = await mkdtemp(join(tmpdir(), 'fuzz-'));
  try {
    while (counts.records < records && performance.now() < deadline) {
      const size = Math.min(BATCH, records - counts.records);
      const payloads: (Buffer | null)[] = [];
      for (let at = 0; at < size; at += 1) {
        const { value } = source.next();
        payloads.push(mutate(JSON.stringify(value), random));
      }
      await transform(payloads, folder, counts);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  return counts;
}

async function transform(
  payloads: readonly (Buffer | null)[],
  folder: string,
  counts: FuzzCounts,
): Promise<void> {
  await withDuckDb({ threads: 1, memoryLimit: '1GB', temporaryFolder: folder }, async (connection) => {
    const rows = await BatchRows.create(connection, {
      settings: SETTINGS,
      topic: 'fuzz',
      messages: payloads.length,
    });
    const rest = { partition: 0, timestampMs: 0, key: null, headers: '[]' };
    const messages = payloads.map((value, at) => ({ ...rest, offset: BigInt(at), value }));
    for (const message of messages) rows.add(message);
    await rows.finish(() => messages);
    await requireTold(connection, payloads);
    const files: StagedFile[] = [];
    const target = { folder: '', ingestedOn: '2026-01-31', resolve: (path: string) => join(folder, path) };
    for (const table of BATCH_TABLES) {
      const file = await writeTable(connection, table, 'fuzz', target);
      if (file !== undefined) files.push(file);
    }
    requireSameCounts(BATCH_TABLES, files, rows.values);
    const rowsOf = (table: string): number => files.find((file) => file.table === table)?.rows ?? 0;
    assert.equal(rows.landed + rows.quarantined, payloads.length);
    assert.deepEqual(
      [rowsOf('attempts'), rowsOf('deliveries'), rowsOf('quarantine')],
      [rows.landed, rows.landed, rows.quarantined],
    );
    await requireValues(connection, payloads, files, folder);
    counts.records += payloads.length;
    counts.landed += rows.landed;
    counts.quarantined += rows.quarantined;
    for (const [reason, count] of await reasonsOf(connection))
      counts.reasons.set(reason, (counts.reasons.get(reason) ?? 0) + count);
  });
}

/** Checks that each record has landed or is quarantined, with its own bytes. */
async function requireTold(
  connection: DuckDBConnection,
  payloads: readonly (Buffer | null)[],
): Promise<void> {
  const read = await connection.runAndReadAll(
    `SELECT kafka_offset::INTEGER, encode(payload) FROM messages UNION ALL SELECT kafka_offset::INTEGER, payload FROM quarantine`,
  );
  const found = new Map(read.getRows().map(([offset, payload]) => [offset, payload]));
  assert.equal(found.size, payloads.length);
  for (const [offset, payload] of payloads.entries()) {
    const held = found.get(offset) as { bytes: Uint8Array } | null | undefined;
    assert(
      held !== undefined && (payload === null ? held === null : held !== null && payload.equals(held.bytes)),
    );
  }
}

/** Compares the files with JavaScript's own reading of the payloads, row by row and field by field. */
async function requireValues(
  connection: DuckDBConnection,
  payloads: readonly (Buffer | null)[],
  files: readonly StagedFile[],
  folder: string,
): Promise<void> {
  const landed = (await connection.runAndReadAll('SELECT kafka_offset::INTEGER FROM messages')).getRows();
  for (const table of [attemptsTable, questions, options]) {
    const file = files.find(({ table: name }) => name === table.name);
    if (file === undefined) continue;
    const columns = columnsOf(table).map(({ sql }) => sql);
    const read = await connection.runAndReadAll(
      `SELECT kafka_offset::INTEGER, ${columns.join(', ')} FROM read_parquet(${sqlText(join(folder, file.path))})`,
    );
    const found = read.getRows();
    const expected = landed.flatMap(([offset]) =>
      expectedRows(table, payloads[Number(offset)] ?? Buffer.alloc(0)).map((row) => [offset, ...row]),
    );
    assert.equal(found.length, expected.length, table.name);
    for (const [at, row] of expected.entries()) assert.deepEqual(found[at], row, table.name);
  }
}

async function reasonsOf(connection: DuckDBConnection): Promise<[string, number][]> {
  const read = await connection.runAndReadAll(
    'SELECT reason, count(*)::INTEGER FROM quarantine GROUP BY ALL',
  );
  return read.getRows().map(([reason, count]) => [String(reason), Number(count)]);
}
