import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import test from 'node:test';
import type { DuckDBConnection } from '@duckdb/node-api';
import { createRelation, type RelationColumn, type Relation } from '../../adapters/duckdb/relations.ts';
import { withDuckDb } from '../../adapters/duckdb/database.ts';
import { setBit } from '../../lib/bits.ts';

/** More than a chunk, and no multiple of it. */
const ROWS = 5000;
const ROOM = 5056;

function withEngine(use: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
  return withDuckDb({ threads: 1, memoryLimit: '256MB', temporaryFolder: tmpdir() }, use);
}

async function make(connection: DuckDBConnection, relation: Partial<Relation>): Promise<void> {
  await createRelation(connection, { name: 'made', rows: ROWS, constants: {}, columns: [], ...relation });
}

async function rowsOf(connection: DuckDBConnection, sql: string): Promise<unknown[][]> {
  return (await connection.runAndReadAll(sql)).getRowsJson();
}

function validWhere(has: (row: number) => boolean): Uint8Array {
  const valid = new Uint8Array(ROOM / 8);
  for (let row = 0; row < ROWS; row += 1) if (has(row)) setBit(valid, row);
  return valid;
}

/** Makes a column of strings: `different` distinct values, in turns. */
function textColumn(name: string, different: number, textOf: (number: number) => string): RelationColumn {
  const all = Array.from({ length: different }, (_, number) => Buffer.from(textOf(number), 'utf8'));
  const texts = {
    size: different,
    hasZero: all.some((text) => text.includes(0)),
    bytesOf: (number: number) => all[number] ?? Buffer.alloc(0),
  };
  const values = Int32Array.from({ length: ROOM }, (_, row) => row % different);
  return { name, type: 'VARCHAR', values, texts };
}

test('a relation has the rows of its columns, over several chunks and each time that it is read', async () => {
  await withEngine(async (connection) => {
    const numbers = Int32Array.from({ length: ROOM }, (_, row) => row * 3);
    await make(connection, {
      constants: { fixed: "it's" },
      columns: [
        { name: 'a number', type: 'INTEGER', values: numbers, valid: validWhere((row) => row % 3 !== 0) },
        {
          name: 'long',
          type: 'BIGINT',
          values: BigInt64Array.from(numbers, (number) => -(2n ** 60n) - BigInt(number)),
        },
        { name: 'flag', type: 'BOOLEAN', values: Uint8Array.from(numbers, (number) => number % 2) },
        {
          name: 'at',
          type: 'TIMESTAMPTZ',
          values: BigInt64Array.from(numbers, (number) => BigInt(number) * 1_000_000n),
        },
      ],
    });
    const expected = Array.from({ length: ROWS }, (_, row) => [
      "it's",
      row % 3 === 0 ? null : row * 3,
      String(-(2n ** 60n) - BigInt(row * 3)),
      row % 2 === 1,
      String(row * 3),
    ]);
    const sql = 'SELECT fixed, "a number", long, flag, epoch("at")::BIGINT FROM made';
    assert.deepEqual(await rowsOf(connection, sql), expected);
    assert.deepEqual(await rowsOf(connection, sql), expected);
  });
});

test('strings are complete, few or many distinct ones, with any characters', async () => {
  await withEngine(async (connection) => {
    const odd = ['', '\ufeffmark', 'a"b\\c\n', 'é中😀', "it's", 'nul\u0000nul', 'abc', 'abcd', 'abcde'];
    const columns = [
      ...[1, 2, 255, 256, 257, 1200, ROWS].map((different) =>
        textColumn(
          `of ${different}`,
          different,
          (number) => `text ${number} of a length that is not inlined`,
        ),
      ),
      textColumn('odd', odd.length - 4, (number) => odd[number] ?? ''),
      textColumn('odder', odd.length, (number) => odd[number] ?? ''),
    ];
    await make(connection, { columns });
    for (const { name, values, texts } of columns) {
      const found = await rowsOf(connection, `SELECT hex(encode("${name}"::VARCHAR)) FROM made`);
      const expected = Array.from({ length: ROWS }, (_, row) => [
        Buffer.from(texts?.bytesOf(Number(values[row])) ?? [])
          .toString('hex')
          .toUpperCase(),
      ]);
      assert.deepEqual(found, expected, name);
    }
    const types = await rowsOf(
      connection,
      'SELECT typeof("of 1200"), typeof("of 5000"), typeof(odder) FROM made LIMIT 1',
    );
    assert.match(String(types[0]?.[0]), /^ENUM/);
    assert.deepEqual(types[0]?.slice(1), ['VARCHAR', 'VARCHAR']);
  });
});

test('rows can share the values of others', async () => {
  await withEngine(async (connection) => {
    const of = Int32Array.from({ length: ROWS }, (_, row) => ROWS - 1 - row);
    const wide = BigInt64Array.from({ length: ROOM }, (_, row) => BigInt(row) << 33n);
    const valid = validWhere((row) => row % 5 !== 0);
    await make(connection, {
      columns: [
        { name: 'wide', type: 'BIGINT', values: wide, valid, of },
        {
          name: 'narrow',
          type: 'INTEGER',
          values: Int32Array.from({ length: ROOM }, (_, row) => 7 - row),
          of,
        },
        { ...textColumn('few', 300, String), of },
        { ...textColumn('many', ROWS, String), of },
      ],
    });
    const expected = Array.from(of, (row) => [
      row % 5 === 0 ? null : String(BigInt(row) << 33n),
      7 - row,
      String(row % 300),
      String(row),
    ]);
    assert.deepEqual(await rowsOf(connection, 'SELECT wide, narrow, few, many FROM made'), expected);
  });
});

test('bytes are fetched row by row, and may be null; too few rows fail the query', async () => {
  await withEngine(async (connection) => {
    const columns = [
      { name: 'key', type: 'BLOB' },
      { name: 'value', type: 'VARCHAR' },
    ] as const;
    const rows = Array.from({ length: ROWS }, (_, row) => [
      row % 4 === 0 ? null : Buffer.from([0xff, row & 0xff]),
      Buffer.from(`value ${row}`),
    ]);
    await make(connection, { streamed: { columns, rows: () => rows } });
    const expected = rows.map((row) => [row[0]?.toString('hex').toUpperCase() ?? null, row[1]?.toString()]);
    assert.deepEqual(await rowsOf(connection, 'SELECT hex(key), value FROM made'), expected);
    await make(connection, { name: 'short', streamed: { columns, rows: () => rows.slice(1) } });
    await assert.rejects(
      rowsOf(connection, 'SELECT count(value) FROM short'),
      /the iterator has fewer rows than the relation/,
    );
  });
});
