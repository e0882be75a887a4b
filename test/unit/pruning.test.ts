import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import type { AddFile } from '../../adapters/delta/actions.ts';
import { hasOtherColumns, mayMatch } from '../../client/query/pruning.ts';
import { parsePlainSelect } from '../../client/query/statement.ts';
import { attempts } from '../support/attempt-contract.ts';
import { deltaMetadata } from '../../tables/table.ts';

function fileOf(partial: Partial<AddFile>): AddFile {
  return {
    path: 'p',
    partitionValues: { source: 'pearson', ingested_on: '2026-01-02' },
    size: 1,
    modificationTime: 1,
    dataChange: true,
    ...partial,
  };
}

async function isRead(where: string, partial: Partial<AddFile> = {}): Promise<boolean> {
  const select = await parsePlainSelect(`SELECT * FROM attempts WHERE ${where}`);
  assert.ok(select, where);
  return mayMatch(fileOf(partial), select.conditions);
}

describe('a file is read', () => {
  for (const where of [
    `source = 'pearson'`,
    `source IN ('acme', 'pearson')`,
    `ingested_on = '2026-01-02'`,
    `ingested_on >= DATE '2026-01-02' AND ingested_on < '2026-01-03'::DATE`,
    `attempts.ingested_on BETWEEN '2026-01-01' AND '2026-01-02'`,
    `total BETWEEN 0 AND 4`,
    // Of these, nothing is understood.
    `source = 'acme' OR total = 4`,
    `NOT source = 'pearson'`,
    `source <> 'acme'`,
    `source < 'acme'`,
    `lower(source) = 'acme'`,
    `source = 'acme' COLLATE NOCASE`,
    `ingested_on = '2026-1-1'`,
    `ingested_on = current_date`,
    `total = 4.5`,
    `total IN (1, NULL)`,
    `total = '9'`,
    `'acme' = source`,
  ])
    test(`of its partition and bounds if ${where}`, async () => {
      const stats = '{"numRecords":3,"minValues":{"total":4},"maxValues":{"total":8}}';
      assert.equal(await isRead(where, { stats }), true);
    });

  test('unless it has no bounds, or those of an unknown form', async () => {
    for (const stats of [
      null,
      '{',
      '[]',
      '{"minValues":{"total":1}}',
      '{"minValues":{"total":"1"},"maxValues":{"total":"2"}}',
    ])
      assert.equal(await isRead('total = 9', { stats }), true, String(stats));
  });
});

describe('a file is skipped', () => {
  for (const where of [
    `source = 'acme'`,
    `a.source = 'PEARSON' AND total > 0`,
    `"SOURCE" IN ('acme', 'x')`,
    `ingested_on > '2026-01-02'`,
    `ingested_on BETWEEN DATE '2026-01-03' AND '2026-02-01' AND (total = 1 OR total = 2)`,
    `total = 3`,
    `total < 4`,
    `total IN (0, 9)`,
    `total = 0`,
    `total > 8 AND source = 'pearson'`,
  ])
    test(`if ${where}`, async () => {
      const select = await parsePlainSelect(`SELECT count(*) FROM Attempts AS a WHERE ${where} ORDER BY ALL`);
      const stats = '{"numRecords":3,"minValues":{"total":4},"maxValues":{"total":8}}';
      assert.equal(mayMatch(fileOf({ stats }), select?.conditions ?? []), false);
    });

  test('if its partition value is null', async () => {
    const partitionValues = { source: null, ingested_on: null };
    assert.equal(await isRead(`source = 'a'`, { partitionValues }), false);
    assert.equal(await isRead(`ingested_on < '2026-01-01'`, { partitionValues }), false);
    assert.equal(await isRead('total > 0', { partitionValues }), true);
  });
});

test('a statement is understood only if it reads one table once', async () => {
  for (const sql of [
    `SELECT (SELECT count(*) FROM attempts) FROM attempts WHERE source = 'x'`,
    `WITH a AS (SELECT 1) FROM attempts WHERE source = 'x'`,
    `FROM attempts, deliveries WHERE source = 'x'`,
    `FROM attempts_deduplicated WHERE source = 'x'`,
    `FROM attempts a(source) WHERE source = 'x'`,
    `FROM attempts TABLESAMPLE 10% WHERE source = 'x'`,
    `FROM attempts WHERE source = 'x' UNION ALL FROM attempts`,
    `FROM attempts WHERE source = 'x' AND EXISTS (FROM attempts WHERE total = 1)`,
    `FROM attempts WHERE source = 'x'; SELECT 1`,
    `CREATE TABLE t AS FROM attempts WHERE source = 'x'`,
    `SELECT * FROM other.attempts WHERE source = 'x'`,
    `DESCRIBE attempts`,
    `SELEC`,
  ])
    assert.equal(await parsePlainSelect(sql), undefined, sql);
  const shadowed = await parsePlainSelect(`SELECT exam_name AS "Source" FROM attempts WHERE source = 'x'`);
  assert.deepEqual(shadowed?.conditions, []);
});

test('only a bare count of all rows is a count', async () => {
  for (const [sql, isCount] of [
    ['SELECT count(*) FROM attempts', true],
    ['select COUNT(*) as n from "Attempts" a;', true],
    ['FROM attempts SELECT count()', true],
    [`SELECT count(*) FROM attempts WHERE source = 'x'`, false],
    ['SELECT count(*) FROM attempts WHERE true', false],
    ['SELECT count(*), count(*) FROM attempts', false],
    ['SELECT count(total) FROM attempts', false],
    ['SELECT count(*) + 1 FROM attempts', false],
    ['SELECT count(*) FILTER (total > 1) FROM attempts', false],
    ['SELECT count(*) OVER () FROM attempts', false],
    ['SELECT count(*) FROM attempts GROUP BY source', false],
    ['SELECT count(*) FROM attempts GROUP BY ALL', false],
    ['SELECT count(*) FROM attempts HAVING count(*) > 1', false],
    ['SELECT count(*) FROM attempts LIMIT 0', false],
    ['SELECT count(*) FROM attempts USING SAMPLE 1', false],
  ] as const)
    assert.equal((await parsePlainSelect(sql))?.isCount ?? false, isCount, sql);
});

test('a table with a column of another program is not pruned', () => {
  const metadata = deltaMetadata(attempts);
  assert.equal(hasOtherColumns(attempts, metadata), false);
  const columns = [...attempts.columns, { name: 'colour', type: 'string', meaning: '' } as const];
  assert.equal(hasOtherColumns(attempts, deltaMetadata({ ...attempts, columns })), true);
});
