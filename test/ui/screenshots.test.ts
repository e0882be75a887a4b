import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../support/harness.ts';
import { uiSkipReason } from './chromium.ts';

const MAX_BYTES = 300_000;

test(
  'the pictures of the docs can all be retaken, and no others are made',
  { skip: uiSkipReason() },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'screenshots-test-'));
    try {
      const words = ['--import', 'tsx', join(ROOT, 'test/ui/take-screenshots.ts'), folder];
      await promisify(execFile)(process.execPath, words, { cwd: ROOT });
      const taken = await readdir(folder);
      assert.deepEqual(taken.sort(), (await readdir(join(ROOT, 'docs/images'))).sort());
      for (const name of taken) {
        const { size } = await stat(join(folder, name));
        assert.ok(size > 10_000 && size < MAX_BYTES, `${name} has ${size} bytes`);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
