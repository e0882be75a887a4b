import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { formatActions, parseActions, type Action } from '../../adapters/delta/actions.ts';
import {
  checkpointActions,
  decodeCheckpoint,
  encodeCheckpoint,
  parseLastCheckpoint,
} from '../../adapters/delta/checkpoint.ts';
import { SnapshotBuilder, type Snapshot } from '../../adapters/delta/snapshot.ts';
import { PipelineError } from '../../model/errors.ts';

const HEAD: Action[] = [
  { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
  {
    metaData: {
      id: 'i',
      name: 'n',
      description: null,
      format: { provider: 'parquet', options: {} },
      schemaString: '{"type":"struct","fields":[]}',
      partitionColumns: ['source'],
      createdTime: 1,
      configuration: {},
    },
  },
];

function add(path: string): Action {
  return {
    add: {
      path,
      partitionValues: { source: 's', ingested_on: '2026-01-31' },
      size: 5,
      modificationTime: 7,
      dataChange: true,
      stats: '{"numRecords":1}',
      tags: { sha256: 'ab' },
    },
  };
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof PipelineError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'taken';
}

test('a snapshot has the last version of each transaction, and the files not removed', () => {
  const builder = new SnapshotBuilder('/w/t');
  builder.apply(HEAD);
  builder.apply([add('a'), add('b'), { txn: { appId: 't/0', version: 5 } }]);
  builder.apply([
    { remove: { path: 'a' } },
    add('c'),
    { txn: { appId: 't/0', version: 9 } },
    { commitInfo: { any: 1 } },
  ]);
  const snapshot = builder.snapshot();
  assert.equal(snapshot.version, 2);
  assert.deepEqual([...snapshot.files.keys()], ['b', 'c']);
  assert.deepEqual([...snapshot.txns], [['t/0', 9n]]);
});

/** Longer ago than the retention. */
const OLD_MS = 1_000;
const READ = {
  transactionRetention: {
    retentionMs: 86_400_000,
    isForgettable: (appId: string): boolean => appId.startsWith('content/'),
  },
};

/** Generates entries of a log that add and remove files and advance transactions. */
const ENTRY = fc.array(
  fc.oneof(
    fc.constantFrom('a', 'b', 'c', 'source=s/part é,1.parquet').map(add),
    fc.constantFrom('a', 'b').map((path): Action => ({ remove: { path, deletionTimestamp: 1_000 } })),
    fc
      .tuple(
        fc.constantFrom('t/0', 't/1', 'content/s/ab'),
        fc.nat(),
        fc.constantFrom(undefined, null, OLD_MS, Date.now()),
      )
      .map(([appId, version, lastUpdated]): Action => ({ txn: { appId, version, lastUpdated } })),
  ),
  { maxLength: 5 },
);

/** Makes a reader that begins at a checkpoint, whose files it reads last. */
class Resumed {
  readonly builder: SnapshotBuilder;
  readonly #checkpoint: Buffer;

  private constructor(builder: SnapshotBuilder, checkpoint: Buffer) {
    this.builder = builder;
    this.#checkpoint = checkpoint;
  }

  /** Checkpoints at a version that another reader has read. */
  static async from(snapshot: Snapshot): Promise<Resumed> {
    const checkpoint = await encodeCheckpoint(checkpointActions(snapshot, 0, READ));
    const builder = new SnapshotBuilder('/w/t', snapshot.version, READ);
    builder.load(await decodeCheckpoint(checkpoint, 'checkpoint', 'head'));
    return new Resumed(builder, checkpoint);
  }

  async snapshot(): Promise<Snapshot> {
    this.builder.loadBefore(await decodeCheckpoint(this.#checkpoint, 'checkpoint', 'files'));
    return this.builder.snapshot();
  }
}

function requireSame(a: Snapshot, b: Snapshot): void {
  assert.equal(a.version, b.version);
  assert.deepEqual(new Map([...a.txns].sort()), new Map([...b.txns].sort()));
  assert.deepEqual(new Map([...a.updatedMs].sort()), new Map([...b.updatedMs].sort()));
  assert.deepEqual([...a.files.keys()].sort(), [...b.files.keys()].sort());
  assert.deepEqual([...a.removed.keys()].sort(), [...b.removed.keys()].sort());
  for (const [path, file] of a.files)
    assert.deepEqual({ ...b.files.get(path), dataChange: true }, { ...file, dataChange: true });
  assert.equal(b.metadata.schemaString, a.metadata.schemaString);
}

test('a log reads the same with checkpoints anywhere, each written by a reader that began at the previous one', async () => {
  const log = fc.array(fc.record({ entry: ENTRY, cut: fc.boolean() }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(log, ENTRY, async (entries, next) => {
      const whole = new SnapshotBuilder('/w/t', -1, READ);
      whole.apply(HEAD);
      let cutUp = await Resumed.from(whole.snapshot());
      for (const { entry, cut } of entries) {
        whole.apply(entry);
        cutUp.builder.apply(entry);
        if (cut) cutUp = await Resumed.from(await cutUp.snapshot());
      }
      whole.apply(next);
      cutUp.builder.apply(next);
      assert.deepEqual(cutUp.builder.head(), whole.head());
      requireSame(whole.snapshot(), await cutUp.snapshot());
    }),
    { numRuns: 15, seed: 4 },
  );
});

test('a checkpoint keeps the tombstones of files that were removed after a time', () => {
  const builder = new SnapshotBuilder('/w/t');
  builder.apply(HEAD);
  builder.apply([{ remove: { path: 'a', deletionTimestamp: 1_000 } }, { remove: { path: 'of no time' } }]);
  const namedSince = (sinceMs: number): unknown[] =>
    checkpointActions(builder.snapshot(), sinceMs).flatMap(({ remove }) => (remove ? [remove.path] : []));
  assert.deepEqual(namedSince(999), ['a']);
  assert.deepEqual(namedSince(1_000), []);
});

test('a trimmed state has no older tombstones, and the same files', () => {
  const builder = new SnapshotBuilder('/w/t');
  builder.apply(HEAD);
  builder.apply([
    add('c'),
    { remove: { path: 'a', deletionTimestamp: 1_000 } },
    { remove: { path: 'b', deletionTimestamp: 2_000 } },
  ]);
  builder.trim(1_000);
  const { files, removed } = builder.snapshot();
  assert.deepEqual([[...files.keys()], [...removed.keys()]], [['c'], ['b']]);
});

test('actions are parsed as they were formatted', () => {
  const actions = [...HEAD, add('a'), { txn: { appId: 't/0', version: 5 } }];
  assert.deepEqual(parseActions(formatActions(actions), 'f'), actions);
});

test('a truncated or corrupt entry is refused by its name and line', () => {
  const text = formatActions([...HEAD, add('a')]);
  assert.match(
    codeOf(() => parseActions(text.slice(0, -10), '/w/t/_delta_log/7.json')),
    /^TABLE_LOG_INVALID: \/w\/t\/_delta_log\/7\.json, line 3,/,
  );
  assert.match(
    codeOf(() => parseActions('', 'f')),
    /^TABLE_LOG_INVALID: f is empty/,
  );
  assert.match(
    codeOf(() => parseActions('{"add":{"path":1}}', 'f')),
    /^TABLE_LOG_INVALID: f, line 1,/,
  );
});

test('a path that leads out of its table’s folder is refused by its name', () => {
  const refusalOf = (path: string, kind: 'add' | 'remove'): string =>
    codeOf(() =>
      parseActions(
        JSON.stringify(kind === 'add' ? { add: { ...add('a').add, path } } : { remove: { path } }),
        '/w/t/_delta_log/7.json',
      ),
    );
  for (const kind of ['add', 'remove'] as const) {
    for (const path of ['a', 'source=null/part-1.parquet', 'a%20b/%25', 'é/a*[?]', '...', 'a..b/..c'])
      assert.equal(refusalOf(path, kind), 'taken', path);
    for (const [path, why] of [
      ['/etc/passwd', /is absolute, which is not supported/],
      ['hdfs://host/w/t/a', /is absolute, which is not supported/],
      ['S3A:b', /is absolute, which is not supported/],
      ['..', /segment/],
      ['../b', /segment/],
      ['a/../../b', /segment/],
      ['%2e%2e/b', /segment/],
      ['a%2F..%2Fb', /segment/],
      ['%2Fetc', /segment/],
      ['a//b', /segment/],
      ['./a', /segment/],
      ['', /segment/],
      ['a%', /is not URI-encoded/],
    ] as const) {
      const refusal = refusalOf(path, kind);
      assert.match(
        refusal,
        /^TABLE_LOG_INVALID: \/w\/t\/_delta_log\/7\.json, line 1, .*\.path: the path "/,
        path,
      );
      assert.match(refusal, why, path);
    }
  }
});

test('a table of a newer protocol is refused before anything is written to it', () => {
  const builder = new SnapshotBuilder('/w/t');
  const newer = { protocol: { minReaderVersion: 3, minWriterVersion: 7 } };
  assert.match(
    codeOf(() => {
      builder.apply([newer]);
    }),
    /^TABLE_LOG_INVALID: \/w\/t requires reader version 3 and writer version 7/,
  );
});

test('a log without a schema is refused', () => {
  const builder = new SnapshotBuilder('/w/t');
  builder.apply([add('a')]);
  assert.match(
    codeOf(() => builder.snapshot()),
    /has no protocol or no metaData/,
  );
});

test('a _last_checkpoint without a checkpoint is refused', () => {
  assert.deepEqual(parseLastCheckpoint('{"version":20,"size":7}', 'f'), { version: 20, size: 7 });
  assert.match(
    codeOf(() => parseLastCheckpoint('{"version":', 'f')),
    /^TABLE_LOG_INVALID: f does not name a checkpoint/,
  );
});
