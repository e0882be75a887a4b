import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import test from 'node:test';

function start(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'simulator/main.ts', ...args], {
    env: { ...process.env, ...env },
  });
  return { child, errors: text(child.stderr), ended: once(child, 'close') };
}

test('the process serves by its flags, requires the variable’s token, and exits cleanly on a signal', async () => {
  const flags = ['--port', '0', '--seed', '3', '--count', '4', '--token-variable', 'FEED_TOKEN'];
  const { child, ended } = start(flags, { FEED_TOKEN: 's3cret' });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  assert.match(line, /^Platform at http:\/\/127\.0\.0\.1:\d+\/attempts: 4 attempts of seed 3$/);
  const url = /http:\S+attempts/.exec(line)?.[0] ?? '';
  assert.equal((await fetch(url)).status, 401);
  const response = await fetch(url, { headers: { authorization: 'Bearer s3cret' } });
  assert.equal(((await response.json()) as unknown[]).length, 4);
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});

test('an invalid flag ends the process with a line that names it', async () => {
  for (const [args, named] of [
    [['--port', 'http'], /--port: http must be an integer from 0 to 65535/],
    [['--token-variable', 'NO_SUCH_VARIABLE'], /NO_SUCH_VARIABLE/],
  ] as const) {
    const { errors, ended } = start(args);
    assert.deepEqual(await ended, [1, null]);
    assert.match(await errors, named);
  }
});
