import assert from 'node:assert/strict';
import { chmod, lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { Staging } from '../../adapters/staging/staging.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { startStack } from '../../services/stack.ts';
import { codeOf, eventually, queryStatus, TestPipeline } from '../support/harness.ts';

/** The paths below a folder, itself included, that others than their owner have any right on. */
async function openPaths(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = [root, ...entries.map((entry) => join(entry.parentPath, entry.name))];
  const open: string[] = [];
  for (const path of paths) {
    const found = await lstat(path).catch(() => undefined); // removed meanwhile
    if (found !== undefined && !found.isSymbolicLink() && (found.mode & 0o077) !== 0) open.push(path);
  }
  return open;
}

describe('where the user’s umask hides nothing', () => {
  let umask: number;
  let platform: Platform;
  let base: string;

  before(async () => {
    umask = process.umask(0);
    platform = await startPlatform({ seed: 3, count: 2000 });
    base = await mkdtemp(join(tmpdir(), 'private-files-'));
  });

  after(async () => {
    process.umask(umask);
    await platform.close();
    await rm(base, { recursive: true });
  });

  test('what a worker stages is its user’s alone, and goes while it runs when the run is ended by force', async () => {
    const pipeline = await TestPipeline.create(
      { stalled: { url: `${platform.url}/stalled/attempts` } },
      { worker: { sweepInterval: '1s' } },
    );
    try {
      await mkdir(join(pipeline.folder, 'staging-one'), { mode: 0o777 });
      platform.arm({ kind: 'slow', bytesPerSecond: 100_000, path: '/stalled/attempts' });
      const worker = await pipeline.startWorker('one');
      const run = await pipeline.start({ source: 'stalled' });
      const staging = join(pipeline.folder, 'staging-one');
      const stagedFiles = async (): Promise<string[]> =>
        (await readdir(join(staging, 'runs'), { recursive: true, withFileTypes: true }))
          .filter((entry) => entry.isFile())
          .map((entry) => entry.name);
      await eventually('the fetch keeps what it receives', async () => (await stagedFiles()).length > 0);
      assert.deepEqual(await openPaths(staging), []);
      await run.terminate('ended by force, as from the UI');
      await eventually(
        'nothing of the run is staged any more',
        async () => (await readdir(join(staging, 'runs'))).length === 0,
      );
      assert.equal(await worker.drain(), 0);
    } finally {
      await pipeline.close();
    }
  });

  test('what a fetch staged that failed by itself goes while the worker runs, once the run is ended', async () => {
    const pipeline = await TestPipeline.create(
      { broken: { url: 'file:broken.json' } },
      { worker: { sweepInterval: '1s' } },
    );
    try {
      const whole = JSON.stringify([...generateAttempts({ seed: 5, count: 500 })]);
      await pipeline.placeFiles({ 'broken.json': `${whole} more` });
      await pipeline.startWorker('one');
      const run = await pipeline.start({ source: 'broken' });
      await eventually('it waits', async () => (await queryStatus(run)).state === 'waiting', 60_000);
      const runs = join(pipeline.folder, 'staging-one', 'runs');
      const names = await readdir(runs, { recursive: true });
      assert.ok(names.length > 1, 'the fetch left something');
      assert.deepEqual(await openPaths(runs), []);
      await run.executeUpdate('abort');
      await eventually('nothing is staged any more', async () => (await readdir(runs)).length === 0);
    } finally {
      await pipeline.close();
    }
  });

  test('what lands in HDFS has the permissions of the settings, in data, log and checkpoints; a cache of it is its user’s alone', async () => {
    const count = 50;
    const pipeline = await TestPipeline.create(
      { feed: { url: 'file:feed.json' } },
      { limits: { checkpointInterval: 1 } },
      { hdfs: { fileMode: '0600', directoryMode: '0710' } },
    );
    const usual = await TestPipeline.create({ feed: { url: 'file:feed.json' } });
    try {
      for (const [one, file, folder] of [
        [pipeline, '600', '710'],
        [usual, '640', '750'],
      ] as const) {
        await one.placeFiles({ 'feed.json': JSON.stringify([...generateAttempts({ seed: 4, count })]) });
        await one.startWorker();
        assert.equal((await (await one.start({ source: 'feed' })).result()).outcome, 'landed');
        const { hdfs } = one.warehouse.options;
        const folders = [one.settings.hdfs.warehouse];
        const wrong: string[] = [];
        let files = 0;
        for (let path = folders.pop(); path !== undefined; path = folders.pop()) {
          const status = await hdfs.status(path);
          if (status?.permission !== folder) wrong.push(`${path}: ${status?.permission}`);
          for (const entry of await hdfs.list(path)) {
            if (entry.type === 'DIRECTORY') folders.push(entry.path);
            else if (entry.permission !== file) wrong.push(`${entry.path}: ${entry.permission}`);
            else files += 1;
          }
        }
        assert.deepEqual(wrong, []);
        assert.ok(files > 10, `${files} files`);
        // The owner of the folders reads the tables as before.
        const said = await one.command('query', '--json', 'SELECT count(keen_id) AS n FROM attempts');
        assert.deepEqual(JSON.parse(said.stdout), [{ n: count }], said.stderr);
        const cache = join(one.folder, 'cache');
        assert.ok((await readdir(cache, { recursive: true })).some((name) => name.endsWith('.parquet')));
        assert.deepEqual(await openPaths(cache), []);
      }
    } finally {
      await pipeline.close();
      await usual.close();
    }
  });

  test('what the servers keep is their user’s alone: data, settings, logs and pids', async () => {
    const folder = join(base, 'services');
    await mkdir(join(folder, 'logs'), { recursive: true, mode: 0o777 });
    const stack = await startStack({ folder, ports: 'free', only: ['temporal', 'kafka'] });
    try {
      assert.deepEqual(await openPaths(folder), []);
    } finally {
      await stack.stop();
    }
  });

  test('a folder of another user is refused by name, and a link to one', async (context) => {
    if (process.getuid?.() !== 0) {
      context.skip('only root can give a folder away');
      return;
    }
    const { chown } = await import('node:fs/promises');
    const theirs = join(base, 'theirs');
    await mkdir(theirs);
    await chown(theirs, 12345, 12345);
    await symlink(theirs, join(base, 'link'));
    for (const path of [theirs, join(base, 'link')])
      assert.match(await codeOf(Staging.open(path, 1)), /^FOLDER_NOT_OWN: .* belongs to the user 12345/);
    const services = startStack({ folder: theirs, ports: 'free', only: ['temporal'] });
    assert.match(await codeOf(services), /^FOLDER_NOT_OWN: /);
  });

  test('a staging folder that others may open is closed to them', async () => {
    const root = join(base, 'staging');
    await mkdir(join(root, 'runs'), { recursive: true });
    await writeFile(join(root, 'host-id'), 'a-host');
    await chmod(root, 0o755);
    await Staging.open(root, 1);
    assert.equal((await lstat(root)).mode & 0o777, 0o700);
    assert.equal((await lstat(join(root, 'runs'))).mode & 0o777, 0o700);
  });
});
