/** Faults 10, 11, 12 and 27: the servers themselves die, freeze, refuse and come back. */
import assert from 'node:assert/strict';
import test, { after, afterEach, before, beforeEach, describe } from 'node:test';
import type { ServiceName } from '../../services/ports.ts';
import { eventually, type IngestHandle } from '../support/harness.ts';
import { FaultyPipeline, lastFailureOf } from './faulty-pipeline.ts';
import { OwnServers } from './own-servers.ts';

let servers: OwnServers;
let faulty: FaultyPipeline;

before(async () => {
  servers = await OwnServers.start();
});

after(() => servers.stop());

beforeEach(async () => {
  faulty = await FaultyPipeline.create({ more: servers.addresses, nameNode: servers.nameNode });
});

afterEach(() => faulty.close());

/** Starts a run, and breaks something at the first request for a file of the table `attempts`. */
async function startAndBreak(breakIt: () => Promise<void>): Promise<IngestHandle> {
  let isBroken = false;
  const run = async (): Promise<void> => {
    await breakIt();
    isBroken = true;
  };
  faulty.nameNode.plan(/PUT \S*\/attempts\/_scratch\/\S*op=CREATE/, { kind: 'before', run }, 1, 1);
  await faulty.pipeline.startWorker();
  const handle = await faulty.pipeline.start({ source: 'source' });
  await eventually('it is broken', () => isBroken, 60_000);
  return handle;
}

async function failsWith(run: IngestHandle, words: RegExp, timeoutMs = 90_000): Promise<void> {
  await eventually(`a step fails with ${words}`, async () => words.test(await lastFailureOf(run)), timeoutMs);
}

/** Twice the 30 s that an answer may take: a rename without one is followed by a look whether it was done. */
const NOTICE_TIMEOUT_MS = 75_000;

describe('a server that is killed in the middle of landing', () => {
  for (const [name, service, words] of [
    ['10 the only DataNode', 'datanode', /DataNode|datanode/],
    ['11 the NameNode', 'namenode', /NameNode \S+/],
  ] as const satisfies [string, ServiceName, RegExp][]) {
    test(`${name}: the step reports it, and continues when it is back`, async () => {
      const run = await startAndBreak(() => servers.service(service).kill('SIGKILL'));
      await failsWith(run, words);
      await servers.service(service).restart();
      await faulty.landsOnce(run);
    });
  }

  test('27 Temporal: the run continues when it is back', async () => {
    const run = await startAndBreak(() => servers.service('temporal').kill('SIGKILL'));
    await servers.service('temporal').restart();
    await faulty.landsOnce(run);
  });
});

describe('a server that is frozen in the middle of landing', () => {
  for (const [service, words] of [
    ['datanode', /DataNode \S+ (gave no answer|accepted no more of the body)/],
    ['namenode', /NameNode \S+ gave no answer/],
  ] as const satisfies [ServiceName, RegExp][]) {
    test(`the ${service}: it is detected within the timeout and named, and the step continues when it resumes`, async () => {
      const run = await startAndBreak(() => servers.service(service).pause());
      try {
        await failsWith(run, /gave no answer|accepted no more of the body/, NOTICE_TIMEOUT_MS);
        // A DataNode that waits for the NameNode gives no answer either, and may be named first.
        await failsWith(run, words, NOTICE_TIMEOUT_MS);
      } finally {
        await servers.service(service).resume();
      }
      await faulty.landsOnce(run);
    });
  }
});

test('11 a NameNode in safe mode rejects writes: the step reports it, and continues when safe mode ends', async () => {
  const run = await startAndBreak(() => servers.administer('-safemode', 'enter'));
  await failsWith(run, /safe mode/i);
  await servers.administer('-safemode', 'leave');
  await faulty.landsOnce(run);
});

test('12 an exhausted quota: the run waits for a decision, and lands when there is space', async () => {
  const { warehouse } = faulty.pipeline.settings.hdfs;
  const run = await startAndBreak(() => servers.administer('-setSpaceQuota', '1m', `${warehouse}/attempts`));
  const waiting = await faulty.waiting(run);
  assert.equal(waiting.code, 'HDFS_REFUSED');
  assert.match(waiting.message, /quota/i);
  await servers.administer('-clrSpaceQuota', `${warehouse}/attempts`);
  await run.executeUpdate('retry');
  await faulty.landsOnce(run);
});
