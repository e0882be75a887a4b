import assert from 'node:assert/strict';
import test from 'node:test';
import { rowsOf, findReferencedTables } from '../../client/query/live-tables.ts';

function namesIn(sql: string): string[] {
  return [...findReferencedTables(sql)].map(({ name }) => name).sort();
}

test('a query is about the tables that it has as words, whatever their case', () => {
  assert.deepEqual(namesIn('SELECT count(*) FROM Attempts JOIN "options" USING (kafka_offset)'), [
    'attempts',
    'options',
  ]);
  assert.deepEqual(namesIn('DESCRIBE quarantine'), ['quarantine']);
  assert.deepEqual(namesIn('SELECT max_attempts, attempt'), []);
});

test('a view is about the tables that it is made of', () => {
  assert.deepEqual(namesIn('FROM attempts_deduplicated'), ['attempts']);
  assert.deepEqual(namesIn('FROM options_deduplicated'), ['attempts', 'options']);
});

test('the rows of a file are what its log entry says, if it says so', () => {
  const add = { path: 'p', partitionValues: {}, size: 1, modificationTime: 0, dataChange: true };
  assert.equal(rowsOf({ ...add, stats: '{"numRecords":7}' }), 7);
  assert.equal(rowsOf({ ...add, stats: '{}' }), undefined);
  assert.equal(rowsOf(add), undefined);
});
