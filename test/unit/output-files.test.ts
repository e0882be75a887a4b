import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { writeFileAtomically } from '../../client/query/file.ts';
import { codeOf } from '../support/harness.ts';

describe('a file that a command writes', () => {
  let folder = '';
  let umask = 0;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pipeline-output-'));
    umask = process.umask(0o022);
  });

  after(() => {
    process.umask(umask);
    rmSync(folder, { recursive: true });
  });

  const modeOf = (file: string): number => statSync(file).mode & 0o777;

  const write = (file: string, text: string): Promise<void> =>
    writeFileAtomically(file, { force: true }, (path) => writeFile(path, text));

  test('is readable only by its owner, also while it is written', async () => {
    const file = join(folder, 'new');
    const meanwhile = await writeFileAtomically(file, {}, async (path) => {
      await writeFile(path, 'text');
      return modeOf(path);
    });
    assert.deepEqual([meanwhile, modeOf(file), readFileSync(file, 'utf8')], [0o600, 0o600, 'text']);
  });

  test('keeps its permissions when it is replaced', async () => {
    for (const mode of [0o644, 0o640, 0o600, 0o666]) {
      const file = join(folder, `mode-${mode.toString(8)}`);
      writeFileSync(file, 'old');
      chmodSync(file, mode);
      await write(file, 'new');
      assert.deepEqual([modeOf(file), readFileSync(file, 'utf8')], [mode, 'new']);
    }
  });

  test('is not written through a link at its temporary path', async () => {
    const [file, victim] = [join(folder, 'planted'), join(folder, 'victim')];
    writeFileSync(victim, 'mine');
    symlinkSync(victim, `${file}.${process.pid}.part`);
    assert.match(await codeOf(write(file, 'text')), /^OUTPUT_UNWRITABLE: .*EEXIST/);
    assert.equal(readFileSync(victim, 'utf8'), 'mine');
  });
});
