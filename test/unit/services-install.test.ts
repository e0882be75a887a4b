import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { PipelineError } from '../../model/errors.ts';
import { formatOnce } from '../../services/format.ts';
import { installOnce } from '../../services/install.ts';

describe('an installation', () => {
  let base: string;
  let target: string;

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'install-test-'));
    target = join(base, 'cache', 'product-1.0');
  });

  afterEach(() => rm(base, { recursive: true, force: true }));

  it('fills the folder once, and leaves nothing else behind', async () => {
    let fills = 0;
    const fill = async (content: string, scratch: string) => {
      fills += 1;
      await writeFile(join(content, 'jar'), 'whole');
      await writeFile(join(scratch, 'build'), 'of no use later');
    };
    assert.equal(await installOnce(target, fill), target);
    assert.equal(await installOnce(target, fill), target);
    assert.equal(fills, 1);
    assert.deepEqual(await readdir(join(base, 'cache')), ['product-1.0']);
    assert.deepEqual(await readdir(target), ['jar']);
  });

  it('is done once for two concurrent callers', async () => {
    let fills = 0;
    const fill = async (content: string) => {
      fills += 1;
      await writeFile(join(content, 'jar'), 'whole');
    };
    await Promise.all([installOnce(target, fill), installOnce(target, fill)]);
    assert.equal(fills, 1);
  });

  it('uses what another process installed in the meantime', async () => {
    await installOnce(target, async (content) => {
      await writeFile(join(content, 'jar'), 'ours');
      await mkdir(target);
      await writeFile(join(target, 'jar'), 'theirs');
    });
    assert.equal(await readFile(join(target, 'jar'), 'utf8'), 'theirs');
  });

  it('leaves nothing when it fails, and can be retried', async () => {
    const failure = new PipelineError('SERVICE_INSTALL_FAILED', 'no network');
    await assert.rejects(
      installOnce(target, async (content) => {
        await writeFile(join(content, 'jar'), 'a par');
        throw failure;
      }),
      failure,
    );
    assert.deepEqual(await readdir(join(base, 'cache')), []);
    await installOnce(target, (content) => writeFile(join(content, 'jar'), 'whole'));
    assert.equal(await readFile(join(target, 'jar'), 'utf8'), 'whole');
  });

  it('removes the leftovers of a dead process, and keeps those of a running one', async () => {
    const NO_PID = 2 ** 30; // above the maximum of any system
    const abandoned = `${target}.partial-${NO_PID}-abcdef`;
    const busy = `${target}.partial-${process.ppid}-abcdef`;
    await mkdir(abandoned, { recursive: true });
    await mkdir(busy);
    await installOnce(target, (content) => writeFile(join(content, 'jar'), 'whole'));
    assert.equal(existsSync(abandoned), false);
    assert.equal(existsSync(busy), true);
  });
});

describe('a format', () => {
  let data: string;

  beforeEach(async () => {
    data = join(await mkdtemp(join(tmpdir(), 'format-test-')), 'data');
  });

  afterEach(() => rm(join(data, '..'), { recursive: true, force: true }));

  it('is done once', async () => {
    let formats = 0;
    const format = async () => {
      formats += 1;
      await writeFile(join(data, 'VERSION'), '1');
    };
    await formatOnce(data, format);
    await formatOnce(data, format);
    assert.equal(formats, 1);
    assert.ok(existsSync(join(data, 'VERSION')));
  });

  it('that was interrupted is repeated in an empty folder', async () => {
    await assert.rejects(
      formatOnce(data, async () => {
        await writeFile(join(data, 'half'), '');
        throw new PipelineError('SERVICE_INSTALL_FAILED', 'interrupted');
      }),
    );
    await formatOnce(data, async () => {
      assert.deepEqual(await readdir(data), []);
      await writeFile(join(data, 'VERSION'), '1');
    });
    assert.equal(existsSync(join(data, 'half')), false);
  });
});
