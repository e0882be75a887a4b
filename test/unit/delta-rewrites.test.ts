import assert from 'node:assert/strict';
import test from 'node:test';
import type { Action } from '../../adapters/delta/actions.ts';
import { ENGINE, RewriteWatch, isOwnEntry } from '../../adapters/delta/rewrites.ts';
import { SnapshotBuilder } from '../../adapters/delta/snapshot.ts';

/** Makes an `add` action. */
function added(path: string, rows: number | null = 1, dataChange = true): Action {
  const stats = rows === null ? null : JSON.stringify({ numRecords: rows });
  return { add: { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange, stats } };
}

/** Makes a `remove` action; null omits `dataChange`. */
function removed(path: string, dataChange: boolean | null = true): Action {
  return { remove: { path, dataChange } };
}

/** Makes an entry of this program. */
function own(...paths: string[]): Action[] {
  return [{ commitInfo: { operation: 'WRITE', engineInfo: ENGINE } }, ...paths.map((path) => added(path, 2))];
}

/** Makes an entry of another program. */
function foreign(operation: string, ...actions: Action[]): Action[] {
  return [{ commitInfo: { operation, engineInfo: 'Apache-Spark' } }, ...actions];
}

function optimized(from: readonly string[], to: string, rows: number | null): Action[] {
  return foreign('OPTIMIZE', ...from.map((path) => removed(path, false)), added(to, rows, false));
}

/** Returns the loss after these entries, as a word. */
function lossOf(...entries: readonly Action[][]): string {
  const builder = new SnapshotBuilder('/w/t');
  for (const entry of entries) builder.apply(entry);
  const loss = builder.loss();
  return loss === undefined ? 'nothing' : `${loss.files} at ${loss.version} by ${loss.operation}`;
}

const RESTORED_TO_1 = foreign('RESTORE', removed('b'), removed('c'));

for (const [what, entries, loss] of [
  ['what this program lands', [own('a'), own('b')], 'nothing'],
  [
    'a RESTORE to an earlier version',
    [own(), own('a'), own('b'), own('c'), RESTORED_TO_1],
    '2 at 4 by RESTORE',
  ],
  [
    'a removal that does not say whether it changes rows',
    [own('a'), foreign('X', removed('a', null))],
    '1 at 1 by X',
  ],
  [
    'a removal under the name of a rewrite',
    [own('a'), foreign('OPTIMIZE', removed('a'))],
    '1 at 1 by OPTIMIZE',
  ],
  [
    'a DELETE that rewrites the remaining rows',
    [own('a'), foreign('DELETE', removed('a'), added('rest'))],
    '1 at 1 by DELETE',
  ],
  ['a commit without a name', [own('a'), [removed('a')]], '1 at 1 by an operation without a name'],
  ['a rewrite', [own('a', 'b'), optimized(['a', 'b'], 'ab', 4)], 'nothing'],
  [
    'a rewrite of a rewrite',
    [own('a', 'b'), optimized(['a', 'b'], 'ab', 4), optimized(['ab'], 'c', 4)],
    'nothing',
  ],
  ['a rewrite that has fewer rows', [own('a', 'b'), optimized(['a', 'b'], 'ab', 3)], '2 at 1 by OPTIMIZE'],
  ['a rewrite that adds no file', [own('a'), foreign('OPTIMIZE', removed('a', false))], '1 at 1 by OPTIMIZE'],
  ['a rewrite whose rows nobody counted', [own('a'), optimized(['a'], 'b', null)], 'nothing'],
  ['rows that another program adds', [own('a'), foreign('WRITE', added('x'))], 'nothing'],
  ['their removal', [own('a'), foreign('WRITE', added('x')), foreign('DELETE', removed('x'))], 'nothing'],
] as const)
  test(`after ${what}, the loss is ${loss}`, () => {
    assert.equal(lossOf(...entries.map((entry) => [...entry])), loss);
  });

test('a loss persists through other changes, and ends when a second RESTORE brings the files back', () => {
  const entries = [own(), own('a'), own('b'), own('c'), RESTORED_TO_1];
  const grown = [...entries, foreign('WRITE', added('x')), foreign('DELETE', removed('a'))];
  assert.equal(lossOf(...grown), '2 at 4 by RESTORE');
  assert.equal(lossOf(...entries, foreign('RESTORE', added('b'))), '1 at 4 by RESTORE');
  assert.equal(lossOf(...entries, foreign('RESTORE', added('b'), added('c'))), 'nothing');
});

test('a DELETE that a RESTORE undid has lost nothing, though its rewritten file is gone', () => {
  const deleted = foreign('DELETE', removed('a'), added('rest'));
  assert.equal(lossOf(own('a'), deleted, foreign('RESTORE', removed('rest'), added('a'))), 'nothing');
});

test('a RESTORE to a version before a rewrite has lost nothing, unless it omits a file', () => {
  const entries = [own('a'), own('b'), optimized(['a', 'b'], 'ab', 4)];
  assert.equal(lossOf(...entries, foreign('RESTORE', removed('ab'), added('a'), added('b'))), 'nothing');
  assert.equal(lossOf(...entries, foreign('RESTORE', removed('ab'), added('a'))), '1 at 3 by RESTORE');
});

test('a rewrite of files from a checkpoint is judged once their row counts are known', () => {
  for (const [rows, loss] of [
    [4, undefined],
    [3, 7],
  ] as const) {
    const watch = new RewriteWatch();
    watch.apply(7, optimized(['a', 'b'], 'ab', rows));
    assert.deepEqual([watch.lacksRows, watch.loss()], [true, undefined]);
    watch.learnRows([added('a', 2), added('b', 2), added('c', 9)].flatMap(({ add }) => (add ? [add] : [])));
    assert.deepEqual([watch.lacksRows, watch.loss()?.version], [false, loss]);
  }
});

test('commits that added foreign rows are reported, except a RESTORE that brings our own back', () => {
  const watch = new RewriteWatch();
  watch.apply(1, own('a'));
  watch.apply(2, foreign('WRITE', added('x'), added('y')));
  watch.apply(3, foreign('RESTORE', removed('a')));
  watch.apply(4, foreign('RESTORE', added('a')));
  assert.deepEqual(watch.additions, [{ version: 2, operation: 'WRITE', files: 2 }]);
});

test('an entry that removes a file is foreign, whatever its commitInfo', () => {
  assert.equal(isOwnEntry(own('a')), true);
  assert.equal(isOwnEntry([...own('a'), removed('b')]), false);
  assert.equal(isOwnEntry(foreign('WRITE', added('a'))), false);
});
