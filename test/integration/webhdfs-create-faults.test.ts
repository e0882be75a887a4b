import assert from 'node:assert/strict';
import test, { after, before, beforeEach } from 'node:test';
import { PipelineError } from '../../model/errors.ts';
import { FaultsProxy, type ProxyFault } from '../support/faults-proxy.ts';
import {
  deadServer,
  errorOf,
  exception,
  failsForNow,
  FaultyHdfs,
  inTime,
  LIMIT_MS,
  NAME_NODE,
} from '../support/faulty-hdfs.ts';

const MIB = 2 ** 20;
let faulty: FaultyHdfs;

before(async () => {
  faulty = await FaultyHdfs.start('webhdfs-create');
});
beforeEach(() => {
  faulty.clear();
});
after(() => faulty.stop());

test('a DataNode that freezes at any moment of a create is detected within the timeout, and named', async () => {
  const faults: [ProxyFault, RegExp][] = [
    [{ kind: 'freeze' }, /accepted no more of the body|gave no answer/],
    [{ kind: 'freeze-request', afterBytes: MIB }, /accepted no more of the body/],
    [{ kind: 'delay-answer', ms: 20 * LIMIT_MS }, /gave no answer/],
  ];
  for (const [fault, message] of faults) {
    faulty.dataNode.clear();
    faulty.dataNode.plan(/CREATE/, fault);
    const create = faulty.client().create(faulty.fresh(), Buffer.alloc(40 * MIB));
    const error = await failsForNow(create, { ambiguous: true });
    assert.match(error.message, message);
    assert.ok(error.message.includes(`DataNode ${faulty.dataNode.host}`), error.message);
  }
});

test('a client that is killed in the middle of a create leaves a partial file that looks complete', async () => {
  const path = faulty.fresh();
  faulty.dataNode.plan(/CREATE/, { kind: 'cut-request', afterBytes: 3 * MIB });
  await failsForNow(faulty.client().create(path, Buffer.alloc(40 * MIB)), { ambiguous: true });
  assert.equal(faulty.dataNode.count('CREATE'), 1, 'a create is not sent again once its body was');
  // The DataNode closes the file when it finds the connection gone: a state of the server, so it is asked for.
  let status = await faulty.direct.status(path);
  while ((status?.length ?? 0) === 0) status = await faulty.direct.status(path);
  assert.ok(status !== undefined && status.length < 40 * MIB, String(status?.length));
  assert.equal((await faulty.direct.read(path)).length, status.length);
});

test('a create whose response is lost is ambiguous, though the file is complete', async () => {
  const path = faulty.fresh();
  faulty.dataNode.plan(/CREATE/, { kind: 'swallow-answer' });
  await failsForNow(faulty.client().create(path, Buffer.from('whole')), { ambiguous: true });
  assert.equal((await faulty.direct.read(path)).toString(), 'whole');
});

test('the first step of a create is retried, since it creates nothing', async () => {
  for (const fault of [
    { kind: 'reset' },
    exception('RetriableException'),
    exception('IOException'),
  ] as const) {
    const path = faulty.fresh();
    faulty.nameNode.plan(/CREATE/, fault);
    await faulty.client().create(path, Buffer.from('a'));
    assert.equal((await faulty.direct.read(path)).toString(), 'a');
  }
});

test('after a transient error of a DataNode a create is ambiguous, after a permanent one it is not', async () => {
  for (const name of ['EOFException', 'SafeModeException', 'IOException', 'FileNotFoundException']) {
    faulty.dataNode.plan(/CREATE/, exception(name));
    const error = await failsForNow(faulty.client().create(faulty.fresh(), Buffer.from('a')), {
      ambiguous: true,
    });
    assert.equal(error.exception, name);
  }
  for (const name of ['DSQuotaExceededException', 'AccessControlException', 'SomethingNewException']) {
    faulty.dataNode.plan(/CREATE/, exception(name));
    const error = await errorOf(faulty.client().create(faulty.fresh(), Buffer.from('a')));
    assert.deepEqual([error.code, error.ambiguous, error.exception], ['HDFS_REFUSED', false, name]);
  }
});

test('a DataNode that is down fails a create with a transient error, unambiguously', async (t) => {
  const stopped = await deadServer();
  const before = await FaultsProxy.start({ target: NAME_NODE, redirectTo: stopped.address });
  t.after(() => before.stop());
  const error = await failsForNow(faulty.client([before.address]).create(faulty.fresh(), Buffer.from('a')), {
    ambiguous: false,
  });
  assert.ok(error.message.includes(`DataNode ${stopped.host}: no connection`));
  assert.equal(before.count('CREATE'), 2, 'both tries ask the NameNode for a DataNode');
});

test('an abort ends a create in the middle, with the signal’s reason', async () => {
  const stop = new AbortController();
  faulty.dataNode.plan(/CREATE/, { kind: 'freeze-request', afterBytes: MIB });
  const reason = new PipelineError('STAGING_LOST', 'the step was cancelled');
  const create = faulty.client().create(faulty.fresh(), Buffer.alloc(40 * MIB), { signal: stop.signal });
  setTimeout(() => {
    stop.abort(reason);
  }, LIMIT_MS / 3);
  await inTime(assert.rejects(create, (thrown) => thrown === reason));
  await assert.rejects(
    faulty.client().create(faulty.fresh(), Buffer.from('a'), { signal: stop.signal }),
    (thrown) => thrown === reason,
  );
});
