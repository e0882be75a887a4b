/**
 * Faults 1 to 9 and 14: what can happen to a batch between its first byte in HDFS and the last table's log. The
 * proxies between the worker and HDFS see each request, so they can do it exactly there.
 */
import assert from 'node:assert/strict';
import test, { afterEach, beforeEach, describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DERIVED_TABLES } from '../../tables/index.ts';
import type { ProxyFault, FaultsProxy } from '../support/faults-proxy.ts';
import { eventually, type IngestHandle, type TestWorker } from '../support/harness.ts';
import { FaultyPipeline, lastFailureOf } from './faulty-pipeline.ts';

/** The requests of a commit, in their order. `attempts` is one of the first tables, `deliveries` the last. */
const REQUESTS = {
  /** A table's first file in HDFS is its log's entry 0, the next one is data, the third the entry that adds it. */
  createFile: /PUT \S*\/attempts\/_scratch\/\S*op=CREATE/,
  checkData: /GET \S*\/attempts\/_scratch\/\S*op=GETFILECHECKSUM/,
  /** As a table's first entry, too. */
  checkEntry: /GET \S*\/attempts\/_scratch\/\S*op=OPEN/,
  renameData: /PUT \S*\/attempts\/_scratch\/\S*op=RENAME\S*part-/,
  renameEntry: /PUT \S*\/attempts\/_scratch\/\S*op=RENAME\S*_delta_log%2F0{19}1\.json/,
  renameLastEntry: /PUT \S*\/deliveries\/_scratch\/\S*op=RENAME\S*_delta_log%2F0{19}1\.json/,
} as const;

/** In which HDFS holds part of the data file, and a part of the entry. */
const DATA = { spared: 1, afterBytes: 2_000 };
const ENTRY = { spared: 2, afterBytes: 50 };

type Server = 'nameNode' | 'dataNode';

interface Point {
  readonly server: Server;
  readonly request: RegExp;
  readonly spared?: number;
  readonly fault: (kill: () => Promise<void>) => ProxyFault;
}

const before = (run: () => Promise<void>): ProxyFault => ({ kind: 'before', run });
const after = (run: () => Promise<void>): ProxyFault => ({ kind: 'after', run });

/** The points at which the worker is killed with SIGKILL. */
const POINTS: Record<string, Point> = {
  '1 before a temporary file is written': {
    server: 'nameNode',
    request: REQUESTS.createFile,
    spared: 1,
    fault: before,
  },
  '2 in the middle of a Parquet file': {
    server: 'dataNode',
    request: REQUESTS.createFile,
    spared: DATA.spared,
    fault: (then) => ({ kind: 'freeze-request', afterBytes: DATA.afterBytes, then }),
  },
  '3 when the temporary file is complete, before its rename': {
    server: 'nameNode',
    request: REQUESTS.renameData,
    fault: before,
  },
  '4 after the rename, before the log entry': {
    server: 'nameNode',
    request: REQUESTS.renameEntry,
    fault: before,
  },
  '4 after the log entry, before the worker receives the response': {
    server: 'nameNode',
    request: REQUESTS.renameEntry,
    fault: after,
  },
  '5 between two tables, before the last one': {
    server: 'nameNode',
    request: REQUESTS.renameLastEntry,
    fault: before,
  },
};

let faulty: FaultyPipeline;

beforeEach(async () => {
  faulty = await FaultyPipeline.create();
});

afterEach(() => faulty.close());

async function start(): Promise<IngestHandle> {
  return faulty.pipeline.start({ source: 'source' });
}

describe('a worker that is killed', () => {
  for (const [name, { server, request, spared, fault }] of Object.entries(POINTS)) {
    test(`${name}: every attempt lands once`, async () => {
      const worker: TestWorker = await faulty.pipeline.startWorker();
      let kills = 0;
      const kill = async (): Promise<void> => {
        kills += 1;
        await worker.kill();
      };
      faulty[server].plan(request, fault(kill), 1, spared);
      const run = await start();
      await eventually('the worker is killed', () => kills === 1, 60_000);
      await faulty.pipeline.startWorker();
      await faulty.landsOnce(run);
    });
  }
});

/** A fault that the worker itself lives through. */
async function survives(server: FaultsProxy, request: RegExp, fault: ProxyFault, spared = 0): Promise<void> {
  server.plan(request, fault, 1, spared);
  await faulty.pipeline.startWorker();
  await faulty.landsOnce(await start());
  assert.equal(server.unused, 0, 'the fault was not met');
}

test('5 a slow commit of one table: deliveries is committed after all others', async () => {
  faulty.nameNode.plan(
    REQUESTS.renameEntry,
    before(() => sleep(2_000)),
  );
  const { warehouse } = faulty.pipeline;
  let versions: unknown[] = [];
  const look = async (): Promise<void> => {
    const heads = DERIVED_TABLES.map(async ({ name }) => (await warehouse.table(name).head())?.version);
    versions = await Promise.all(heads);
  };
  await survives(faulty.nameNode, REQUESTS.renameLastEntry, before(look));
  assert.deepEqual(versions, [1, 1, 1, 1]);
});

describe('a response of HDFS', () => {
  for (const [what, request] of [
    ['of a data file', REQUESTS.renameData],
    ['of the log’s entry', REQUESTS.renameEntry],
    ['of the last table’s entry', REQUESTS.renameLastEntry],
  ] as const) {
    test(`6 to the rename ${what} is lost: the rename is neither repeated nor taken for failed`, async () => {
      await survives(faulty.nameNode, request, { kind: 'swallow-answer' });
    });

    test(`7 to the rename ${what} is {"boolean":false} with status 200: it is a failure`, async () => {
      const body = '{"boolean":false}';
      const headers = { 'Content-Type': 'application/json' };
      await survives(faulty.nameNode, request, { kind: 'answer', status: 200, body, headers });
    });
  }
});

describe('a file in HDFS', () => {
  for (const [what, request] of [
    ['data', REQUESTS.renameData],
    ['a log’s entry', REQUESTS.renameEntry],
  ] as const) {
    test(`8 is ${what}, and is removed before its rename: it is sent again`, async () => {
      const remove = (line: string): Promise<void> => faulty.remove(pathOf(line));
      await survives(faulty.nameNode, request, { kind: 'before', run: remove });
    });
  }

  for (const [what, request, spared] of [
    ['data', REQUESTS.checkData, 0],
    ['a log’s entry', REQUESTS.checkEntry, 1],
  ] as const) {
    test(`9 is ${what}, and is stored with other bytes of the same length: it is never renamed, and is sent again`, async () => {
      const falsify = (line: string): Promise<void> => faulty.falsify(pathOf(line));
      await survives(faulty.nameNode, request, { kind: 'before', run: falsify }, spared);
    });
  }

  test('9 is a log entry, and is truncated in transit: it never gets its version number', async () => {
    const fault: ProxyFault = { kind: 'cut-request', afterBytes: ENTRY.afterBytes };
    await survives(faulty.dataNode, REQUESTS.createFile, fault, ENTRY.spared);
  });

  test('9 is a corrupt entry of another program: nothing is written after it, and the run waits and names it', async () => {
    const entry = `${faulty.pipeline.settings.hdfs.warehouse}/attempts/_delta_log/${'0'.repeat(19)}1.json`;
    faulty.nameNode.plan(REQUESTS.renameData, {
      kind: 'before',
      run: () => faulty.place(entry, '{"add":{"pa'),
    });
    await faulty.pipeline.startWorker();
    const run = await start();
    const waiting = await faulty.waiting(run);
    assert.equal(waiting.code, 'TABLE_LOG_INVALID');
    assert.ok(waiting.message.includes(entry), waiting.message);
    await faulty.remove(entry);
    await run.executeUpdate('retry');
    await faulty.landsOnce(run);
  });

  for (const [what, content] of [
    ['of no bytes', ''],
    ['without a footer', 'PAR1 and no more'],
  ] as const) {
    test(`14 ${what} already has the name: it is never mistaken for ours, and ours lands once it is removed`, async () => {
      let taken = '';
      const occupy = async (line: string): Promise<void> => {
        taken = targetOf(line);
        await faulty.place(taken, content);
      };
      faulty.nameNode.plan(REQUESTS.renameData, { kind: 'before', run: occupy });
      await faulty.pipeline.startWorker();
      const run = await start();
      const words = /has other \d+ bytes than the \d+ bytes that were uploaded for it/;
      await eventually('land fails', async () => words.test(await lastFailureOf(run)), 60_000);
      await faulty.remove(taken);
      await faulty.landsOnce(run);
    });
  }
});

/** The path of a request, as `PUT /webhdfs/v1/a/b?op=RENAME`. */
function pathOf(line: string): string {
  return decodeURIComponent(/\/webhdfs\/v1(\/[^?]*)/.exec(line)?.[1] ?? '');
}

/** Returns the destination of a rename. */
function targetOf(line: string): string {
  return decodeURIComponent(/destination=([^&]*)/.exec(line)?.[1] ?? '');
}
