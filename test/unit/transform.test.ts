import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import { requireSameCounts, writeTable } from '../../steps/transform/table-files.ts';
import { BatchRows } from '../../steps/transform/batch-rows.ts';
import { withDuckDb } from '../../adapters/duckdb/database.ts';
import type { StagedMessage } from '../../adapters/staging/staged-messages.ts';
import { PipelineError } from '../../model/errors.ts';
import type { StagedFile } from '../../model/references.ts';
import { parseSettings } from '../../model/settings.ts';
import { quarantine } from '../../tables/index.ts';
import { attempts, options } from '../support/attempt-contract.ts';
import type { Table } from '../../tables/table.ts';

const SETTINGS = parseSettings(
  'sources: { first: { topic: t, url: "http://h/" }, second: { topic: t } }',
  'test',
);

interface Batch {
  readonly connection: DuckDBConnection;
  readonly rows: BatchRows;
  readonly query: (sql: string) => Promise<Record<string, unknown>[]>;
  readonly write: (table: Table, source?: string) => Promise<StagedFile | undefined>;
}

/** Runs work with a batch of messages. */
async function withBatch(
  values: readonly Partial<StagedMessage>[],
  use: (batch: Batch) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'transform-test-'));
  try {
    await withDuckDb({ threads: 1, memoryLimit: '256MB', temporaryFolder: folder }, async (connection) => {
      const rows = await BatchRows.create(connection, {
        settings: SETTINGS,
        topic: 't',
        messages: values.length,
      });
      const plain = { partition: 0, key: null, headers: '[]', value: null };
      const messages = values.map((value, at) => ({
        ...plain,
        offset: BigInt(at),
        timestampMs: 1000 + at,
        ...value,
      }));
      for (const message of messages) rows.add(message);
      await rows.finish(() => messages);
      const target = { folder: '', ingestedOn: '2026-01-31', resolve: (path: string) => join(folder, path) };
      await use({
        connection,
        rows,
        query: async (sql) => (await connection.runAndReadAll(sql)).getRowObjectsJson(),
        write: (written, source = 'second') => writeTable(connection, written, source, target),
      });
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

function attemptWith(fields: Record<string, unknown>): Buffer {
  return Buffer.from(
    JSON.stringify({
      keen_id: 'k',
      started_at: '2018-01-23T14:23:19.082Z',
      base_exam_id: 'b',
      user_exam_id: 'u',
      exam_name: 'e',
      sequences: { questions: [] },
      ...fields,
    }),
  );
}

test('every accepted value is stored unchanged', async () => {
  const digits = fc.nat({ max: 999_999 }).map((nat) => String(nat).padStart(6, '0'));
  const time = fc.date({ min: new Date('1900-01-01'), max: new Date('2200-01-01'), noInvalidDate: true });
  const cases = fc.record({
    text: fc.string({ unit: 'grapheme' }),
    integer: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    asText: fc.constantFrom('plain', 'text', 'decimal'),
    boolean: fc.constantFrom<boolean | string | null | undefined>(
      true,
      false,
      'true',
      'false',
      null,
      undefined,
    ),
    time,
    micros: digits,
    epoch: fc.tuple(fc.integer({ min: -9_999_999_999, max: 9_999_999_999 }), digits),
  });
  const values = fc.sample(cases, { numRuns: 300, seed: 7 });
  const integerOf = ({ integer, asText }: (typeof values)[number]): unknown =>
    asText === 'plain' ? integer : asText === 'text' ? String(integer) : `${integer}.0`;
  const messages = values.map((value) => ({
    value: attemptWith({
      exam_name: value.text,
      max_attempts: integerOf(value),
      certification: value.boolean,
      started_at: `${value.time.toISOString().slice(0, 19)}.${value.micros}Z`,
      keen_timestamp: `${value.epoch[0]}.${value.epoch[1]}`,
    }),
  }));
  await withBatch(messages, async ({ rows, query, connection }) => {
    assert.equal(rows.quarantined, 0);
    await connection.run(`CREATE TABLE attempts AS ${attempts.select}`);
    const made = await query(
      `SELECT exam_name, max_attempts, certification, epoch_us(started_at) AS started, epoch_us(keen_timestamp) AS keen FROM attempts ORDER BY kafka_offset`,
    );
    for (const [at, value] of values.entries()) {
      const seconds = BigInt(Math.floor(value.time.getTime() / 1000));
      const [whole, fraction] = value.epoch;
      const micros = BigInt(`${whole < 0 || Object.is(whole, -0) ? '-' : ''}${fraction}`);
      assert.deepEqual(made[at], {
        exam_name: value.text,
        max_attempts: value.integer,
        certification:
          value.boolean === undefined || value.boolean === null
            ? null
            : value.boolean === true || value.boolean === 'true',
        started: String(seconds * 1_000_000n + BigInt(value.micros)),
        keen: String(BigInt(whole) * 1_000_000n + micros),
      });
    }
  });
});

test('a time of seven decimals becomes the nearest microsecond', async () => {
  await withBatch(
    [{ value: attemptWith({ keen_timestamp: '1516717442.7352665' }) }],
    async ({ query, connection }) => {
      await connection.run(`CREATE TABLE attempts AS ${attempts.select}`);
      assert.deepEqual(await query('SELECT epoch_us(keen_timestamp) AS us FROM attempts'), [
        { us: '1516717442735267' },
      ]);
    },
  );
});

test('a message lands or is quarantined as a whole, with its bytes, its field and the reason', async () => {
  const broken = attemptWith({
    sequences: { questions: [{ id: 'q', options: [{ id: 'o', checked: 'maybe' }] }] },
  });
  await withBatch(
    [{ value: attemptWith({}) }, { value: broken, key: Buffer.from([0, 255]) }],
    async ({ rows, write, query }) => {
      assert.deepEqual([rows.landed, rows.quarantined], [1, 1]);
      assert.equal((await write(attempts))?.rows, 1);
      assert.equal(await write(options), undefined);
      const [row] = await query('SELECT kafka_offset, step, path, reason, key, payload FROM quarantine');
      assert.deepEqual(row, {
        kafka_offset: '1',
        step: 'transform',
        path: 'sequences.questions[0].options[0].checked',
        reason: 'must be true or false, is another text',
        key: '\\x00\\xFF',
        payload: broken.toString('latin1').replaceAll('"', '\\x22'),
      });
      assert.equal((await write(quarantine))?.rows, 1);
    },
  );
});

test('messages of all sizes keep their order, and each lands or is quarantined at its offset', async () => {
  const kinds = [{}, { more: 1 }, { max_attempts: 'many' }];
  const messages = Array.from({ length: 12 }, (_, at) => {
    const exam_name = 'x'.repeat(at % 2 === 0 ? 10 : 5000);
    return { value: attemptWith({ exam_name, ...kinds[at % 3] }) };
  });
  const offsets = (places: readonly number[]): unknown => places.map((at) => ({ kafka_offset: String(at) }));
  const [landed, refused] = [
    [0, 1, 3, 4, 6, 7, 9, 10],
    [2, 5, 8, 11],
  ];
  await withBatch(messages, async ({ rows, query }) => {
    assert.deepEqual([rows.landed, rows.quarantined], [landed.length, refused.length]);
    assert.deepEqual(
      await query('SELECT kafka_offset, payload FROM messages'),
      landed.map((at) => ({ kafka_offset: String(at), payload: messages[at]?.value.toString() })),
    );
    assert.deepEqual(await query('SELECT kafka_offset FROM quarantine'), offsets(refused));
  });
  await withBatch(messages, async ({ query, write }) => {
    assert.deepEqual(await query('SELECT kafka_offset FROM record'), offsets(landed));
    assert.equal((await write(attempts))?.rows, landed.length);
  });
});

test('a message belongs to the source that it names, else to the topic’s default; an unknown source is quarantined', async () => {
  const named = (source: string): string => JSON.stringify([{ key: 'source', value: source }]);
  const messages = [
    { value: attemptWith({}), headers: named('first') },
    { value: attemptWith({}) },
    { value: attemptWith({}), headers: named('../é') },
  ];
  await withBatch(messages, async ({ rows, query }) => {
    assert.deepEqual([...rows.sources].sort(), ['first', 'second']);
    assert.deepEqual(await query('SELECT source FROM messages ORDER BY kafka_offset'), [
      { source: 'first' },
      { source: 'second' },
    ]);
    assert.deepEqual(await query('SELECT source, reason FROM quarantine'), [
      { source: 'second', reason: 'its header source names no source of pipeline.yaml' },
    ]);
  });
});

test('a value that would become null fails the batch, and the error names the column', async () => {
  await withBatch([{ value: attemptWith({ max_attempts: '1.0' }) }], async ({ rows, write, connection }) => {
    const whole = await write(attempts);
    assert(whole !== undefined);
    requireSameCounts([attempts], [whole], rows.values);
    await connection.run(
      `CREATE TABLE lost AS SELECT * REPLACE (NULL::INTEGER AS max_attempts) FROM (${attempts.select})`,
    );
    const lossy = { ...attempts, select: 'SELECT * FROM lost' };
    const file = await write(lossy);
    assert(file !== undefined);
    assert.throws(
      () => {
        requireSameCounts([attempts], [file], rows.values);
      },
      (error: unknown) =>
        error instanceof PipelineError &&
        error.code === 'TRANSFORM_MISMATCH' &&
        error.message ===
          'the messages have 1 values of max_attempts, but attempts.max_attempts would hold 0',
    );
  });
});
