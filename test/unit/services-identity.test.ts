import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, it } from 'node:test';
import { findProcess, findProcessByPid, sendSignal, type ProcessIdentity } from '../../services/identity.ts';

describe('a process', () => {
  let child: ChildProcess | undefined;

  afterEach(async () => {
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });

  it('that is a zombie counts as gone', async () => {
    // The shell starts one process and execs another, which never waits for the first.
    child = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [said] = (await once(child.stdout ?? assert.fail(), 'data')) as [Buffer];
    await until(() => findProcessByPid(Number(said.toString())) === undefined);
  });

  async function startChild(): Promise<ProcessIdentity> {
    child = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(child, 'spawn');
    return findProcessByPid(child.pid ?? 0) ?? assert.fail('the child is not seen');
  }

  it('is found by its pid, always with the same start time', () => {
    const self = findProcessByPid(process.pid);
    assert.equal(self?.pid, process.pid);
    assert.deepEqual(findProcessByPid(process.pid), self);
  });

  it('is not confused with an earlier one of the same pid', async () => {
    const identity = await startChild();
    const former = { ...identity, started: 'at another time' };
    assert.equal(findProcess(former), undefined);
    assert.equal(sendSignal(former, 'SIGKILL'), false);
    assert.ok(findProcess(identity));
  });

  it('is reported as paused and as resumed', async () => {
    const identity = await startChild();
    assert.equal(findProcess(identity)?.paused, false);
    sendSignal(identity, 'SIGSTOP');
    await until(() => findProcess(identity)?.paused === true);
    sendSignal(identity, 'SIGCONT');
    await until(() => findProcess(identity)?.paused === false);
  });

  it('is gone after its end, and receives no signal', async () => {
    const identity = await startChild();
    assert.equal(sendSignal(identity, 'SIGKILL'), true);
    await until(() => findProcess(identity) === undefined);
    assert.equal(sendSignal(identity, 'SIGTERM'), false);
  });
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `not in time: ${condition.toString()}`);
    await new Promise(setImmediate);
  }
}
