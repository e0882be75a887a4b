import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { PipelineError } from '../../model/errors.ts';
import { findProcessByPid } from '../../services/identity.ts';
import { withLock } from '../../services/lock.ts';

describe('a lock', () => {
  let base: string;

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'lock-test-'));
  });

  afterEach(() => rm(base, { recursive: true, force: true }));

  const unasked = (pid: number) => assert.fail(`waits for ${pid}`);

  it('is released after the work, whether that succeeds or fails', async () => {
    const path = join(base, 'lock');
    assert.equal(await withLock(path, unasked, () => Promise.resolve('done')), 'done');
    const failure = new PipelineError('SERVICE_NOT_READY', 'not today');
    await assert.rejects(
      withLock(path, unasked, () => Promise.reject(failure)),
      failure,
    );
    assert.equal(existsSync(path), false);
  });

  it('admits one at a time, and names the owner to the other', async () => {
    const path = join(base, 'lock');
    const order: string[] = [];
    const { promise: asked, resolve: ask } = openPromise<number>();
    const first = withLock(path, unasked, async () => {
      order.push('first begins');
      assert.equal(await asked, process.pid);
      order.push('first ends');
    });
    const second = withLock(path, ask, () => Promise.resolve(order.push('second')));
    await Promise.all([first, second]);
    assert.deepEqual(order, ['first begins', 'first ends', 'second']);
  });

  it('of a dead process is ignored', async () => {
    const path = join(base, 'lock');
    const self = findProcessByPid(process.pid) ?? assert.fail();
    await writeFile(path, JSON.stringify({ pid: self.pid, started: 'at another time' }));
    assert.equal(await withLock(path, unasked, () => Promise.resolve('done')), 'done');
    assert.deepEqual(await readdir(base), []);
  });
});

function openPromise<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => assert.fail('not yet');
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
