import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { PipelineError } from '../../model/errors.ts';
import {
  deleteStackFolder,
  makeStackFolder,
  readPorts,
  stackFolder,
  writePorts,
  type StackFolder,
} from '../../services/folder.ts';
import { DEFAULT_PORTS } from '../../services/ports.ts';

let base: string;
let folder: StackFolder;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'folder-test-'));
  folder = stackFolder(join(base, 'stack'));
  await makeStackFolder(folder);
});

afterEach(() => rm(base, { recursive: true, force: true }));

describe('a stack’s folder', () => {
  it('has no ports at first, then those that were stored', async () => {
    assert.equal(await readPorts(folder), undefined);
    await writePorts(folder, DEFAULT_PORTS);
    assert.deepEqual(await readPorts(folder), DEFAULT_PORTS);
  });

  it('with a state file that is not ours is refused by the file’s path', async () => {
    await writeFile(join(folder.root, 'state.json'), '{"ports":{}}');
    await assert.rejects(readPorts(folder), (error: unknown) => {
      assert.ok(error instanceof PipelineError);
      assert.equal(error.code, 'SETTINGS_INVALID');
      assert.ok(error.message.startsWith(join(folder.root, 'state.json')));
      return true;
    });
  });

  it('is deleted as a whole', async () => {
    await writePorts(folder, DEFAULT_PORTS);
    await deleteStackFolder(folder);
    assert.equal(existsSync(folder.root), false);
  });

  it('keeps foreign files', async () => {
    await writePorts(folder, DEFAULT_PORTS);
    await writeFile(join(folder.root, 'thesis.txt'), '');
    await deleteStackFolder(folder);
    assert.deepEqual(await readdir(folder.root), ['thesis.txt']);
  });

  it('that was never a stack’s is not touched', async () => {
    await deleteStackFolder(folder);
    assert.ok(existsSync(join(folder.root, 'data')));
  });
});
