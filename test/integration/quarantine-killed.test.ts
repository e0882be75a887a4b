import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { parse, stringify } from 'yaml';
import { openTestWarehouse, ROOT, SERVERS, TestPipeline, eventually } from '../support/harness.ts';
import { FaultsProxy } from '../support/faults-proxy.ts';
import { QuarantinedTopic, badAttempts } from '../support/quarantined.ts';

describe('a replay that is killed after it published and before it marked', () => {
  let pipeline: TestPipeline;
  let topic: QuarantinedTopic;
  let proxy: FaultsProxy;

  before(async () => {
    pipeline = await TestPipeline.create({ other: {} });
    topic = new QuarantinedTopic(pipeline);
    proxy = await FaultsProxy.start({ target: SERVERS.nameNode });
    await topic.make();
    await pipeline.startWorker();
    await topic.publishAll(badAttempts(4, 2));
    await topic.run();
  });

  after(async () => {
    await proxy.stop();
    await pipeline.close();
  });

  test('and repeated twice concurrently ends in one message in Kafka and one mark', async () => {
    const reference = `${topic.topic}/0/0`;
    proxy.plan(/op=CREATE|op=MKDIRS|op=RENAME/, { kind: 'freeze' }, 1_000);
    const frozen = join(pipeline.folder, 'frozen.yaml');
    const settings = parse(await readFile(pipeline.settingsFile, 'utf8')) as { hdfs: object };
    await writeFile(
      frozen,
      stringify({ ...settings, hdfs: { ...settings.hdfs, nameNodes: [proxy.address] } }),
    );
    const command = spawn(
      process.execPath,
      [join(ROOT, 'bin/pipeline.js'), 'quarantine', 'replay', reference],
      {
        env: {
          ...process.env,
          PIPELINE_CONFIG: frozen,
          XDG_CACHE_HOME: join(pipeline.folder, 'cache-frozen'),
        },
        stdio: 'ignore',
      },
    );
    await eventually('the replay is published, and waits for HDFS', async () => {
      const isMarking = proxy.seen.some((request) => request.includes('/replays/'));
      return isMarking && (await topic.messages()).length === 3;
    });
    command.kill('SIGKILL');
    await once(command, 'exit');
    assert.deepEqual((await topic.list('--replayed')).rows, []);
    await topic.verify();
    await Promise.all([
      pipeline.command('quarantine', 'replay', reference),
      pipeline.command('quarantine', 'replay', reference),
    ]);
    assert.match(await topic.quarantine('replay', reference), /was replayed before, as .*\/0\/2$/m);
    const messages = await topic.messages();
    assert.deepEqual(
      messages.map(({ headers }) => headers['replay-of']),
      [undefined, undefined, [reference]],
    );
    const snapshot = await openTestWarehouse(pipeline.settings, pipeline.logger).table('replays').snapshot();
    assert.equal(snapshot?.files.size, 1);
    await topic.run();
    const { replays } = await topic.verify();
    assert.deepEqual(replays, { marked: 1, landed: 0, quarantinedAgain: 1, ahead: 0 });
  });
});
