import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import type { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import type { AddFile } from '../../adapters/delta/actions.ts';
import type { CachedFile } from '../../adapters/delta/table-cache.ts';
import { sqlText, withDuckDb } from '../../adapters/duckdb/database.ts';
import { withTables } from '../../client/query/live-tables.ts';
import { mayMatch } from '../../client/query/pruning.ts';
import { parsePlainSelect } from '../../client/query/statement.ts';
import { TABLES } from '../../tables/index.ts';
import { attempts } from '../support/attempt-contract.ts';

/** A data file with its rows' values. */
interface File {
  readonly add: AddFile;
  readonly local: CachedFile;
}

const SOURCES = ['pearson', 'PEARSON', 'acme', "o'hara", 'é', '', null];
const DAYS = ['2025-12-31', '2026-01-01', '2026-01-02', '2026-02-01', null];

describe('a pruned query', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pruning-test-'));
  const files: File[] = [];

  before(async () => {
    const options = { threads: 1, memoryLimit: '256MB', temporaryFolder: folder };
    await withDuckDb(options, async (connection) => {
      for (const source of SOURCES)
        for (const day of DAYS) files.push(await writeFile(connection, folder, files.length, source, day));
    });
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  test('has the result of one over all files, for random conditions', async () => {
    const tables = (wanted: readonly File[]) =>
      TABLES.map((table) => ({ table, files: table === attempts ? wanted.map(({ local }) => local) : null }));
    let pruned = 0;
    await withTables(tables(files), async (all) => {
      await fc.assert(
        fc.asyncProperty(statement(), async (sql) => {
          const select = await parsePlainSelect(sql);
          const wanted = files.filter(({ add }) => mayMatch(add, select?.conditions ?? []));
          const expected = await answer(all, sql);
          // An invalid comparison is only evaluated for files that are read; without a pruned file, nothing differs.
          if (expected === undefined || wanted.length === files.length) return;
          pruned += 1;
          const found = await withTables(tables(wanted), (some) => answer(some, sql));
          assert.deepEqual(found, expected, sql);
        }),
        { numRuns: 150 },
      );
    });
    assert.ok(pruned > 20, `the conditions prune: ${pruned}`);
  });
});

/** Writes a file of some rows; the bounds in its statistics are those of its rows, or missing. */
async function writeFile(
  connection: DuckDBConnection,
  folder: string,
  index: number,
  source: string | null,
  day: string | null,
): Promise<File> {
  const partition = `key${index}`;
  const path = join(folder, `partition=${partition}`, 'file.parquet');
  mkdirSync(join(folder, `partition=${partition}`));
  const values = Array.from({ length: 1 + (index % 4) }, (_, row) =>
    (index + row) % 5 === 0 ? null : ((index * 7 + row * 3) % 11) - 3,
  );
  const rows = values.map((total, row) => `(${total ?? 'NULL'}, ${index * 10 + row}, 'exam ${index % 3}')`);
  await connection.run(
    `COPY (SELECT total::INTEGER AS total, kafka_offset::BIGINT AS kafka_offset, exam_name
       FROM (VALUES ${rows.join(', ')}) t(total, kafka_offset, exam_name)) TO ${sqlText(path)} (FORMAT parquet)`,
  );
  const totals = values.filter((value) => value !== null);
  const bound = (pick: (...numbers: number[]) => number): object => ({
    ...(totals.length === 0 ? {} : { total: pick(...totals) }),
    kafka_offset: pick(index * 10, index * 10 + values.length - 1),
  });
  const stats =
    index % 6 === 5
      ? null
      : JSON.stringify({
          numRecords: values.length,
          minValues: bound(Math.min),
          maxValues: bound(Math.max),
        });
  const partitionValues = { source, ingested_on: day };
  return {
    add: { path: partition, partitionValues, stats, size: 1, modificationTime: 1, dataChange: true },
    local: { path, partition, partitionValues },
  };
}

async function answer(connection: DuckDBConnection, sql: string): Promise<unknown> {
  try {
    return (await connection.runAndReadAll(sql)).getRowsJson();
  } catch {
    return undefined;
  }
}

/** Generates SELECTs whose WHERE combines conditions that are understood with others. */
function statement(): fc.Arbitrary<string> {
  const text = fc
    .constantFrom(...SOURCES, 'other')
    .map((value) => (value === null ? 'NULL' : sqlText(value)));
  const day = fc
    .tuple(
      fc.constantFrom('', 'DATE ', 'TIMESTAMP '),
      fc.constantFrom(
        ...DAYS.filter((value) => value !== null),
        '2026-01-15',
        '2026-1-2',
        '2026-01-01 00:00:01',
      ),
      fc.constantFrom('', '::DATE', '::VARCHAR'),
    )
    .map(([prefix, value, suffix]) => `${prefix}'${value}'${suffix}`);
  const number = fc.oneof(
    fc.integer({ min: -5, max: 12 }).map(String),
    fc.constantFrom('NULL', '1.5', `'3'`, '4::BIGINT', '99999999999', '2 + 1', 'true'),
  );
  const operator = fc.constantFrom('=', '<', '<=', '>', '>=', '<>', 'IS NOT DISTINCT FROM');
  const comparisons = (
    column: fc.Arbitrary<string>,
    literal: fc.Arbitrary<string>,
  ): fc.Arbitrary<string>[] => [
    fc.tuple(column, operator, literal).map((words) => words.join(' ')),
    fc.tuple(literal, operator, column).map((words) => words.join(' ')),
    fc.tuple(column, literal, literal).map(([name, a, b]) => `${name} BETWEEN ${a} AND ${b}`),
    fc
      .tuple(column, fc.constantFrom('IN', 'NOT IN'), fc.array(literal, { minLength: 1, maxLength: 3 }))
      .map(([name, word, list]) => `${name} ${word} (${list.join(', ')})`),
    column.map((name) => `${name} IS NULL`),
  ];
  const plain = fc.oneof(
    text.map((value) => `source = ${value}`),
    fc
      .tuple(operator, fc.constantFrom('2026-01-01', '2026-01-31'))
      .map(([word, value]) => `ingested_on ${word} '${value}'`),
    fc.tuple(operator, fc.integer({ min: -4, max: 8 })).map(([word, value]) => `total ${word} ${value}`),
  );
  const condition = fc.oneof(
    { weight: 8, arbitrary: plain },
    ...comparisons(fc.constantFrom('source', 'a.source', '"Source"', 'upper(source)'), text),
    ...comparisons(fc.constantFrom('ingested_on', 'a.ingested_on', 'ingested_on + 1'), day),
    ...comparisons(fc.constantFrom('total', 'A.total', 'kafka_offset', 'abs(total)', '-total'), number),
  );
  const { where } = fc.letrec<{ where: string }>((tie) => ({
    where: fc.oneof(
      { maxDepth: 3 },
      { weight: 2, arbitrary: condition },
      fc
        .tuple(tie('where'), fc.constantFrom('AND', 'AND', 'AND', 'OR'), tie('where'))
        .map(([left, word, right]) => `(${left}) ${word} (${right})`),
      tie('where').map((inner) => `NOT (${inner})`),
    ),
  }));
  const shape = fc.constantFrom(
    'SELECT source, ingested_on, total, kafka_offset FROM attempts a WHERE $ ORDER BY ALL',
    'SELECT count(*) FROM attempts a WHERE $',
    'SELECT source, sum(total) FROM attempts a WHERE $ GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL',
    `SELECT exam_name AS source, total FROM attempts a WHERE $ ORDER BY ALL`,
    'SELECT (SELECT count(*) FROM attempts) AS n, total FROM attempts a WHERE $ ORDER BY ALL',
    'SELECT kafka_offset FROM attempts a WHERE $ QUALIFY row_number() OVER (ORDER BY kafka_offset) < 5 ORDER BY 1',
    'SELECT kafka_offset FROM attempts a WHERE $ LIMIT 3',
    'FROM (FROM attempts a WHERE $) SELECT max(kafka_offset)',
  );
  return fc.tuple(shape, where).map(([sql, condition]) => sql.replace('$', () => condition));
}
