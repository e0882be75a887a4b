import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import { writeTable } from '../../steps/transform/table-files.ts';
import { BatchRows } from '../../steps/transform/batch-rows.ts';
import { withDuckDb } from '../../adapters/duckdb/database.ts';
import { withTables, type LocalTable } from '../../client/query/live-tables.ts';
import { checkChildren } from '../../client/verify/children.ts';
import { STANDARD_QUESTIONS, scopedSql } from '../../client/query/questions.ts';
import { figuresOf } from '../../client/report/figures.ts';
import { dataOf, renderPage } from '../../client/report/page.ts';
import { parseSettings } from '../../model/settings.ts';
import { BATCH_TABLES, TABLES } from '../../tables/index.ts';
import { acceptedAttempts } from '../support/accepted-attempts.ts';

const SOURCE = 'null';
const SETTINGS = parseSettings(`sources: { "${SOURCE}": { topic: t } }`, 'test');

/** Lands messages, and queries the tables. */
async function withLanded(
  values: readonly Buffer[],
  use: (connection: DuckDBConnection, quarantined: number) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'accepted-shapes-'));
  try {
    const { tables, quarantined } = await land(values, folder);
    await withTables(tables, (connection) => use(connection, quarantined));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function land(
  values: readonly Buffer[],
  folder: string,
): Promise<{ tables: LocalTable[]; quarantined: number }> {
  const options = { threads: 1, memoryLimit: '512MB', temporaryFolder: folder };
  return withDuckDb(options, async (connection) => {
    const rows = await BatchRows.create(connection, {
      settings: SETTINGS,
      topic: 't',
      messages: values.length,
    });
    // Every third message has no timestamp of its own.
    const messages = values.map((value, at) => ({
      partition: 0,
      offset: BigInt(at),
      timestampMs: at % 3 === 0 ? -1 : at,
      key: null,
      headers: '[]',
      value,
    }));
    for (const message of messages) rows.add(message);
    await rows.finish(() => messages);
    const target = {
      folder: 'partition=all',
      ingestedOn: '2026-01-31',
      resolve: (path: string) => join(folder, path),
    };
    await mkdir(target.resolve(target.folder));
    const tables: LocalTable[] = [];
    for (const table of TABLES) {
      const isFilled = BATCH_TABLES.includes(table);
      const file = isFilled ? await writeTable(connection, table, SOURCE, target) : undefined;
      const files = file === undefined ? [] : [file];
      tables.push({
        table,
        files: files.map(({ path, partition: partitionValues }) => ({
          path: target.resolve(path),
          partition: 'all',
          partitionValues,
        })),
      });
    }
    return { tables, quarantined: rows.quarantined };
  });
}

async function requireSound(connection: DuckDBConnection): Promise<void> {
  assert.deepEqual(await checkChildren(connection), []);
  const asked = { source: SOURCE, deduplicated: true };
  for (const { sql } of STANDARD_QUESTIONS) await connection.runAndReadAll(scopedSql(sql, asked));
  const scope = { ...asked, timeZone: 'Pacific/Kiritimati', now: new Date() };
  const report = { scope, figures: await figuresOf(connection, scope), tables: [] };
  assert.match(renderPage(report), /<\/html>/);
  assert.ok(JSON.stringify(dataOf(report)).length > 0);
}

test('every accepted record lands, and verify, answers and report can read it', async () => {
  const attempts = fc.sample(acceptedAttempts(), { numRuns: 250, seed: 23 });
  await withLanded(
    // Some of the report's charts need exams with many attempts.
    attempts.map((attempt, at) =>
      Buffer.from(JSON.stringify(at % 2 === 0 ? attempt : { ...attempt, exam_name: `exam ${at % 3}` })),
    ),
    async (connection, quarantined) => {
      assert.equal(quarantined, 0);
      await requireSound(connection);
    },
  );
});

const PLAIN = {
  keen_id: '',
  started_at: '0001-01-02T00:00:00Z',
  base_exam_id: '',
  user_exam_id: '',
  exam_name: '',
  sequences: { questions: [] },
};

for (const [what, attempt] of Object.entries({
  'an attempt without questions': PLAIN,
  'a question without options': { ...PLAIN, sequences: { questions: [{ id: '', options: [] }] } },
  'counts at the ends of their type': {
    ...PLAIN,
    max_attempts: 2 ** 31 - 1,
    sequences: {
      attempt: -(2 ** 31),
      counts: { total: 1, correct: 2 ** 31 - 1, incorrect: -(2 ** 31), unanswered: 2 ** 31 - 1 },
      questions: [{ id: '', options: [{ id: '', at: '9999-12-30T23:59:59.999999Z' }] }],
    },
  },
}))
  test(`verify, answers and report work with ${what} alone in the tables`, async () => {
    await withLanded([Buffer.from(JSON.stringify(attempt))], async (connection, quarantined) => {
      assert.equal(quarantined, 0);
      await requireSound(connection);
    });
  });

test('verify reads a byte order mark, and numbers outside the range of a double', async () => {
  const text = JSON.stringify({ ...PLAIN, more: 0 });
  const texts = [
    text,
    `\ufeff${text}`,
    text.replace('"more":0', '"more":1e999'),
    text.replace('"more":0', '"more":-1E-999'),
  ];
  await withLanded(
    texts.map((one) => Buffer.from(one)),
    (connection) => requireSound(connection),
  );
});
