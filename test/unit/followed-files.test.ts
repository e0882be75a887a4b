import assert from 'node:assert/strict';
import test from 'node:test';
import type { Action } from '../../adapters/delta/actions.ts';
import { followFiles } from '../../adapters/delta/followed-files.ts';
import type { LogEntry } from '../../adapters/delta/history.ts';
import { ENGINE } from '../../adapters/delta/rewrites.ts';

interface Change {
  readonly added?: readonly string[];
  readonly removed?: readonly string[];
  readonly dataChange?: boolean;
}

/** Makes an entry of version 7. */
function entry(
  engineInfo: string,
  operation: string,
  { added = [], removed = [], dataChange = true }: Change,
  ...more: Action[]
): LogEntry {
  const info = { operation, engineInfo };
  const actions: Action[] = [
    { commitInfo: info },
    ...removed.map((path) => ({ remove: { path, dataChange } })),
    ...added.map((path) => ({
      add: { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange },
    })),
    ...more,
  ];
  return { version: 7, info, added: [], actions };
}

const LANDED = entry(ENGINE, 'WRITE', { added: ['c'] });
const moved = (removed: string[], engine = ENGINE): LogEntry =>
  entry(engine, 'OPTIMIZE', { removed, added: ['m'], dataChange: false });

for (const [what, entries, files] of [
  ['landings add other files', [LANDED], ['a', 'b']],
  ['added columns change no rows', [entry(ENGINE, 'ADD COLUMNS', {})], ['a', 'b']],
  ['a compaction moves rows to another file', [LANDED, moved(['a', 'b'])], ['m']],
  ['a compaction by another program, too', [moved(['a', 'b'], 'Apache-Spark')], ['m']],
  ['a compaction of part of them', [moved(['b'])], ['a', 'm']],
  ['a compaction of files that landed since does not matter', [LANDED, moved(['c'])], ['a', 'b']],
] as const)
  test(`the rows of files are followed: ${what}`, () => {
    const followed = followFiles(['a', 'b'], entries);
    assert.ok('files' in followed);
    assert.deepEqual([...followed.files].sort(), files);
  });

for (const [what, ...entries] of [
  ['a compaction that mixes them with others', LANDED, moved(['a', 'c'])],
  ['a compaction by another program of other files, which may lose rows', moved(['c'], 'Apache-Spark')],
  ['rows that another program adds', entry('Apache-Spark', 'WRITE', { added: ['x'] })],
  ['rows that another program removes', entry('Apache-Spark', 'DELETE', { removed: ['b'] })],
  ['another rebuild', entry(ENGINE, 'REBUILD', { removed: ['a', 'b'], added: ['z'] })],
  ['another rebuild of an empty table', entry(ENGINE, 'REBUILD', { added: ['z'] })],
  [
    'a restore that only moves positions',
    entry(ENGINE, 'RESTORE', {}, { txn: { appId: 't/0', version: 1 } }),
  ],
  [
    'other columns',
    entry(
      'Apache-Spark',
      'SET TBLPROPERTIES',
      {},
      { metaData: { id: 'i', schemaString: '', partitionColumns: [] } },
    ),
  ],
] as const)
  test(`the rows of files are not followed through ${what}`, () => {
    const followed = followFiles(['a', 'b'], entries);
    assert.ok('changed' in followed);
    assert.match(followed.changed, /^version 7 \(/);
  });
