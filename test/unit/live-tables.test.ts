import assert from 'node:assert/strict';
import test from 'node:test';
import { rowCountOf, findReferencedTables } from '../../client/query/live-tables.ts';

function namesIn(sql: string): string[] {
  return [...findReferencedTables(sql)].map(({ name }) => name).sort();
}

test('a query uses the tables that it names, in any case', () => {
  assert.deepEqual(namesIn('SELECT count(*) FROM Attempts JOIN "options" USING (kafka_offset)'), [
    'attempts',
    'options',
  ]);
  assert.deepEqual(namesIn('DESCRIBE quarantine'), ['quarantine']);
  assert.deepEqual(namesIn('SELECT max_attempts, attempt'), []);
});

test('a view uses the tables that it selects from', () => {
  assert.deepEqual(namesIn('FROM attempts_deduplicated'), ['attempts']);
  assert.deepEqual(namesIn('FROM options_deduplicated'), ['attempts', 'options']);
});

test('the row count of a file is that of its log entry, where there is one', () => {
  const add = { path: 'p', partitionValues: {}, size: 1, modificationTime: 0, dataChange: true };
  assert.equal(rowCountOf({ ...add, stats: '{"numRecords":7}' }), 7);
  assert.equal(rowCountOf({ ...add, stats: '{}' }), undefined);
  assert.equal(rowCountOf(add), undefined);
});
