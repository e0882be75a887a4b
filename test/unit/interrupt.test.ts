import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const MODULE = import.meta.resolve('../../client/cli/interrupt.ts');

/** Runs statements that can call `withTemporary`, in a process of its own; returns the signal that ended it. */
function run(statements: string): NodeJS.Signals | null {
  const script = `
    import { mkdirSync } from 'node:fs';
    import { setTimeout as pause } from 'node:timers/promises';
    import { withTemporary } from ${JSON.stringify(MODULE)};
    const interrupt = () => process.kill(process.pid, 'SIGINT');
    ${statements}`;
  const words = ['--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', script];
  return spawnSync(process.execPath, words, { stdio: 'inherit' }).signal;
}

for (const [when, statements] of [
  [
    'while it is made',
    'await withTemporary(() => { mkdirSync(path); interrupt(); return path; }, () => pause(60_000));',
  ],
  [
    'while it is used',
    'await withTemporary(() => { mkdirSync(path); return path; }, () => { interrupt(); return pause(60_000); });',
  ],
] as const)
  test(`a temporary folder is removed by a signal ${when}`, () => {
    const base = mkdtempSync(join(tmpdir(), 'interrupt-'));
    const path = join(base, 'folder');
    assert.equal(run(`const path = ${JSON.stringify(path)}; ${statements}`), 'SIGINT');
    assert.equal(existsSync(path), false);
    rmSync(base, { recursive: true });
  });

test('an error while a temporary folder is made removes nothing that was there before', () => {
  const base = mkdtempSync(join(tmpdir(), 'interrupt-'));
  const path = JSON.stringify(base);
  run(
    `await withTemporary(() => { mkdirSync(${path}); return ${path}; }, () => pause(0)).catch(() => undefined);`,
  );
  assert.equal(existsSync(base), true);
  rmSync(base, { recursive: true });
});
