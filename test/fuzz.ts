/**
 * The fuzzer of the record path: attempts, each broken in some way, go through the check and DuckDB as a batch
 * does. Nothing may crash or hang, every record must land or be quarantined with a reason, and what landed must
 * hold every value that an independent reader of the JSON finds.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { requireSameCounts, writeTable } from '../activities/transform-files.ts';
import { BatchRows } from '../activities/transform-rows.ts';
import { withDuckDb } from '../adapters/duckdb.ts';
import { parseSettings } from '../model/settings.ts';
import { attempts } from '../services/platform/generator.ts';
import { Random } from '../services/platform/random.ts';
import { BATCH_TABLES } from '../tables/index.ts';
import type { StagedFile } from '../model/references.ts';
import { mutate } from './mutations.ts';

/** How much to try. The same seed and count try the same. */
export interface FuzzOptions {
  readonly seed: number;
  readonly records: number;
  /** No new batch begins after so long. */
  readonly withinMs: number;
}

/** What came of it. */
export interface FuzzCounts {
  records: number;
  landed: number;
  quarantined: number;
  /** How many records had each kind of fault, by its reason. */
  readonly reasons: Map<string, number>;
}

const SETTINGS = parseSettings('sources: { fuzz: { topic: fuzz } }', 'fuzz');
const BATCH = 2_000;

/** Breaks and transforms records; throws at the first thing that is not as it must be. */
export async function fuzz({ seed, records, withinMs }: FuzzOptions): Promise<FuzzCounts> {
  const counts: FuzzCounts = { records: 0, landed: 0, quarantined: 0, reasons: new Map() };
  const random = new Random(seed);
  const source = attempts({ seed, count: Infinity });
  const deadline = performance.now() + withinMs;
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
    const rows = await BatchRows.create(connection, SETTINGS, 'fuzz');
    const rest = { partition: 0, timestampMs: 0, key: null, headers: '[]' };
    for (const [at, value] of payloads.entries()) rows.add({ ...rest, offset: BigInt(at), value });
    await rows.finish();
    await requireTold(connection, payloads);
    const files: StagedFile[] = [];
    await rows.withEachTable(async (table) => {
      const target = { folder: '', ingestedOn: '2026-01-31', resolve: (path: string) => join(folder, path) };
      const file = await writeTable(connection, table, 'fuzz', target);
      if (file !== undefined) files.push(file);
    });
    requireSameCounts(BATCH_TABLES, files, rows.values);
    const rowsOf = (table: string): number => files.find((file) => file.table === table)?.rows ?? 0;
    assert.equal(rows.landed + rows.quarantined, payloads.length);
    assert.deepEqual(
      [rowsOf('attempts'), rowsOf('deliveries'), rowsOf('quarantine')],
      [rows.landed, rows.landed, rows.quarantined],
    );
    await requireValues(connection, payloads);
    counts.records += payloads.length;
    counts.landed += rows.landed;
    counts.quarantined += rows.quarantined;
    for (const [reason, count] of await reasonsOf(connection))
      counts.reasons.set(reason, (counts.reasons.get(reason) ?? 0) + count);
  });
}

/** Each record is in one of the two, with its own bytes. */
async function requireTold(
  connection: DuckDBConnection,
  payloads: readonly (Buffer | null)[],
): Promise<void> {
  const read = await connection.runAndReadAll(
    `SELECT kafka_offset::INTEGER, encode(payload) FROM messages UNION ALL SELECT kafka_offset::INTEGER, payload FROM quarantined`,
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

/** What landed says what JavaScript's own reading of the payload says, for some fields of each kind. */
async function requireValues(
  connection: DuckDBConnection,
  payloads: readonly (Buffer | null)[],
): Promise<void> {
  const read = await connection.runAndReadAll(`
    SELECT kafka_offset::INTEGER, a.keen_id, a.exam_name, a.max_attempts, a.certification, epoch_us(a.started_at::TIMESTAMPTZ)::VARCHAR,
      a.sequences.counts.total, len(a.sequences.questions)::INTEGER, list_sum(list_transform(a.sequences.questions, q -> len(q.options)))::INTEGER
    FROM parsed`);
  for (const [offset, ...values] of read.getRows()) {
    const attempt = JSON.parse(payloads[Number(offset)]?.toString('utf8') ?? '') as Parsed;
    const { questions, counts } = attempt.sequences;
    const options = questions.reduce((sum, question) => sum + question.options.length, 0);
    assert.deepEqual(values, [
      attempt.keen_id,
      attempt.exam_name,
      numberOf(attempt.max_attempts),
      attempt.certification === undefined || attempt.certification === null
        ? null
        : String(attempt.certification) === 'true',
      microsOf(attempt.started_at),
      numberOf(counts?.total),
      questions.length,
      questions.length === 0 ? null : options,
    ]);
  }
}

interface Parsed {
  readonly keen_id: string;
  readonly exam_name: string;
  readonly max_attempts?: string | number | null;
  readonly certification?: string | boolean | null;
  readonly started_at: string;
  readonly sequences: {
    readonly counts?: { readonly total?: string | number | null } | null;
    readonly questions: readonly { readonly options: readonly unknown[] }[];
  };
}

function numberOf(value: string | number | null | undefined): number | null {
  return value === undefined || value === null ? null : Number(value) + 0;
}

function microsOf(time: string): string {
  const fraction = (/\.(\d+)/.exec(time)?.[1] ?? '').padEnd(6, '0');
  const seconds = Date.parse(time.replace(/\.\d+/, '')) / 1000;
  return String(BigInt(seconds) * 1_000_000n + BigInt(fraction));
}

async function reasonsOf(connection: DuckDBConnection): Promise<[string, number][]> {
  const read = await connection.runAndReadAll(
    'SELECT reason, count(*)::INTEGER FROM quarantined GROUP BY ALL',
  );
  return read.getRows().map(([reason, count]) => [String(reason), Number(count)]);
}
