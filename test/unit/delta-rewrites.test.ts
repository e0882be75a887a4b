import assert from 'node:assert/strict';
import test from 'node:test';
import type { Action } from '../../adapters/delta/actions.ts';
import { ENGINE, RewriteWatch, isOwnEntry, type Damage } from '../../adapters/delta/rewrites.ts';
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

/** Returns the damage after these entries, as a word. */
function damageOf(...entries: readonly Action[][]): string {
  const builder = new SnapshotBuilder('/w/t');
  for (const entry of entries) builder.apply(entry);
  return shown(builder.damage());
}

function shown(damage: Damage | undefined): string {
  if (damage === undefined) return 'nothing';
  const { kind, files, version, operation } = damage;
  return `${kind} ${files} at ${version} by ${operation}`;
}

const RESTORED_TO_1 = foreign('RESTORE', removed('b'), removed('c'));

for (const [what, entries, damage] of [
  ['what this program lands', [own('a'), own('b')], 'nothing'],
  [
    'a RESTORE to an earlier version',
    [own(), own('a'), own('b'), own('c'), RESTORED_TO_1],
    'removed 2 at 4 by RESTORE',
  ],
  [
    'a removal that does not say whether it changes rows',
    [own('a'), foreign('X', removed('a', null))],
    'removed 1 at 1 by X',
  ],
  [
    'a removal under the name of a rewrite',
    [own('a'), foreign('OPTIMIZE', removed('a'))],
    'removed 1 at 1 by OPTIMIZE',
  ],
  [
    'a DELETE that rewrites the remaining rows',
    [own('a'), foreign('DELETE', removed('a'), added('rest'))],
    'removed 1 at 1 by DELETE',
  ],
  ['a commit without a name', [own('a'), [removed('a')]], 'removed 1 at 1 by an operation without a name'],
  ['a rewrite', [own('a', 'b'), optimized(['a', 'b'], 'ab', 4)], 'nothing'],
  [
    'a rewrite of a rewrite',
    [own('a', 'b'), optimized(['a', 'b'], 'ab', 4), optimized(['ab'], 'c', 4)],
    'nothing',
  ],
  [
    'a rewrite that has fewer rows',
    [own('a', 'b'), optimized(['a', 'b'], 'ab', 3)],
    'removed 2 at 1 by OPTIMIZE',
  ],
  [
    'a rewrite that adds no file',
    [own('a'), foreign('OPTIMIZE', removed('a', false))],
    'removed 1 at 1 by OPTIMIZE',
  ],
  ['a rewrite whose rows nobody counted', [own('a'), optimized(['a'], 'b', null)], 'nothing'],
  [
    'a second rewrite of the same files',
    [own('a', 'b'), optimized(['a', 'b'], 'ab', 4), optimized(['a', 'b'], 'x', 4)],
    'doubled 2 at 2 by OPTIMIZE',
  ],
  [
    'a second rewrite of one of the files, whose first result was rewritten again',
    [
      own('a', 'b'),
      optimized(['a', 'b'], 'ab', 4),
      optimized(['ab'], 'c', 4),
      own('d'),
      optimized(['b', 'd'], 'bd', 4),
      optimized(['c', 'bd'], 'all', 8),
    ],
    'doubled 1 at 4 by OPTIMIZE',
  ],
  [
    'a second rewrite that a RESTORE undid',
    [
      own('a', 'b'),
      optimized(['a', 'b'], 'ab', 4),
      optimized(['a', 'b'], 'x', 4),
      foreign('RESTORE', removed('x')),
    ],
    'nothing',
  ],
  [
    'a RESTORE to before both rewrites of the same file',
    [
      own('a'),
      optimized(['a'], 'b', 2),
      optimized(['a'], 'c', 2),
      foreign('RESTORE', removed('b'), removed('c'), added('a')),
    ],
    'nothing',
  ],
  [
    'a rewrite of a file that was removed with its rows',
    [own('a'), foreign('DELETE', removed('a')), optimized(['a'], 'b', 2)],
    'nothing',
  ],
  [
    'a rewrite of a file that was never there',
    [own('a'), optimized(['x'], 'y', 2)],
    'doubled 1 at 1 by OPTIMIZE',
  ],
  ['rows that another program adds', [own('a'), foreign('WRITE', added('x'))], 'nothing'],
  ['their removal', [own('a'), foreign('WRITE', added('x')), foreign('DELETE', removed('x'))], 'nothing'],
] as const)
  test(`after ${what}, the damage is: ${damage}`, () => {
    assert.equal(damageOf(...entries.map((entry) => [...entry])), damage);
  });

test('a loss persists through other changes, and ends when a second RESTORE brings the files back', () => {
  const entries = [own(), own('a'), own('b'), own('c'), RESTORED_TO_1];
  const grown = [...entries, foreign('WRITE', added('x')), foreign('DELETE', removed('a'))];
  assert.equal(damageOf(...grown), 'removed 2 at 4 by RESTORE');
  assert.equal(damageOf(...entries, foreign('RESTORE', added('b'))), 'removed 1 at 4 by RESTORE');
  assert.equal(damageOf(...entries, foreign('RESTORE', added('b'), added('c'))), 'nothing');
});

test('a DELETE that a RESTORE undid has lost nothing, though its rewritten file is gone', () => {
  const deleted = foreign('DELETE', removed('a'), added('rest'));
  assert.equal(damageOf(own('a'), deleted, foreign('RESTORE', removed('rest'), added('a'))), 'nothing');
});

test('a RESTORE to a version before a rewrite has lost nothing, unless it omits a file', () => {
  const entries = [own('a'), own('b'), optimized(['a', 'b'], 'ab', 4)];
  assert.equal(damageOf(...entries, foreign('RESTORE', removed('ab'), added('a'), added('b'))), 'nothing');
  assert.equal(
    damageOf(...entries, foreign('RESTORE', removed('ab'), added('a'))),
    'removed 1 at 3 by RESTORE',
  );
});

/** Returns a builder that starts from a checkpoint at version 6 whose files are not loaded yet. */
function fromCheckpoint(...entries: readonly Action[][]): SnapshotBuilder {
  const builder = new SnapshotBuilder('/w/t', 6);
  for (const entry of entries) builder.apply(entry);
  return builder;
}

for (const [what, entries, damage] of [
  ['a rewrite of its files', [optimized(['a', 'b'], 'ab', 4)], 'nothing'],
  ['a rewrite of its files with fewer rows', [optimized(['a', 'b'], 'ab', 3)], 'removed 2 at 7 by OPTIMIZE'],
  ['a rewrite of files that it lacks', [optimized(['a', 'x'], 'ax', 4)], 'doubled 1 at 7 by OPTIMIZE'],
  ['a rewrite of a file that was added after it', [own('d'), optimized(['a', 'd'], 'ad', 4)], 'nothing'],
] as const)
  test(`after a checkpoint, ${what} is judged once the checkpoint's files are loaded: ${damage}`, () => {
    const builder = fromCheckpoint(...entries.map((entry) => [...entry]));
    assert.deepEqual([builder.lacksFiles, shown(builder.damage())], [true, 'nothing']);
    builder.loadBefore([added('a', 2), added('b', 2), added('c', 9)]);
    assert.deepEqual([builder.lacksFiles, shown(builder.damage())], [false, damage]);
  });

test('a second rewrite is detected after the first one was forgotten', () => {
  const builder = new SnapshotBuilder('/w/t');
  for (const entry of [own('a', 'b'), optimized(['a', 'b'], 'ab', 4)]) builder.apply(entry);
  builder.trim(0);
  builder.apply(optimized(['a', 'b'], 'x', 4));
  assert.equal(shown(builder.damage()), 'doubled 2 at 2 by OPTIMIZE');
});

test('a second rewrite that the checkpoint of another program includes is detected', () => {
  const builder = new SnapshotBuilder('/w/t', 6);
  builder.watchBefore(5, optimized(['a', 'b'], 'ab', 4));
  builder.watchBefore(6, optimized(['a', 'b'], 'x', 4));
  assert.equal(shown(builder.damage()), 'doubled 2 at 6 by OPTIMIZE');
});

test('commits that added foreign rows are reported, except a RESTORE that brings our own back', () => {
  const watch = new RewriteWatch();
  watch.apply(1, own('a'));
  watch.apply(2, foreign('WRITE', added('x'), added('y')));
  watch.apply(3, foreign('RESTORE', removed('a')));
  watch.apply(4, foreign('RESTORE', added('a')));
  assert.deepEqual(watch.additions, [{ version: 2, operation: 'WRITE', files: 2 }]);
});

test('an entry that removes a file is foreign, unless it is an erasure of this program', () => {
  assert.equal(isOwnEntry(own('a')), true);
  assert.equal(isOwnEntry([...own('a'), removed('b')]), false);
  const erasure = { commitInfo: { engineInfo: ENGINE, operation: 'ERASE' } };
  assert.equal(isOwnEntry([erasure, removed('b')]), true);
  assert.equal(
    isOwnEntry([{ commitInfo: { ...erasure.commitInfo, engineInfo: 'other' } }, removed('b')]),
    false,
  );
  assert.equal(isOwnEntry(foreign('WRITE', added('a'))), false);
});

test('after a restore or a rebuild of this program, nothing before it is a loss, and what follows can be', () => {
  for (const operation of ['RESTORE', 'REBUILD']) {
    const baseline: Action[] = [{ commitInfo: { operation, engineInfo: ENGINE } }, removed('a'), added('z')];
    assert.ok(isOwnEntry(baseline));
    const lost = [own('a'), own('b'), own('c'), RESTORED_TO_1];
    assert.equal(damageOf(...lost, baseline), 'nothing');
    assert.equal(damageOf(...lost, baseline, foreign('DELETE', removed('z'))), 'removed 1 at 5 by DELETE');
  }
  const forged = foreign('REBUILD', removed('a'));
  assert.equal(damageOf(own('a'), forged), 'removed 1 at 1 by REBUILD');
});
