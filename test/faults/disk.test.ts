/** Fault 26: the disk of a worker's host is full. Its staging folder is a small file system of the test's own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { startPlatform } from '../../simulator/server.ts';
import { TestPipeline, eventually, type IngestHandle } from '../support/harness.ts';
import { requireExactly } from './content.ts';
import { lastFailureOf } from './faulty-pipeline.ts';
import { OtherTopic, waitForResult, someAttempts } from './other-topic.ts';

const HOST = 'one';
const ROOM = '200m';

/** A file system in memory in place of a host's staging folder. */
class SmallDisk {
  readonly #path: string;

  /** @param size As mount takes it. */
  constructor(path: string, size: string) {
    this.#path = path;
    mkdirSync(path);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]);
  }

  static of(pipeline: TestPipeline, size: string): SmallDisk {
    return new SmallDisk(join(pipeline.folder, `staging-${HOST}`), size);
  }

  /** Enlarges it, as if space were freed. */
  makeRoom(): void {
    execFileSync('mount', ['-o', `remount,size=${ROOM}`, this.#path]);
  }

  unmount(): void {
    if (existsSync(this.#path)) execFileSync('umount', ['--lazy', this.#path]);
  }
}

/** Why no file system can be mounted here; undefined where it can. */
function mountMissing(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'mount-'));
  try {
    new SmallDisk(join(folder, 'tried'), '1m').unmount();
    return undefined;
  } catch {
    return 'no file system can be mounted here, as root can where it is allowed';
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function failsWith(run: IngestHandle, words: RegExp): Promise<void> {
  let said = '';
  await eventually(
    `a step fails with ${words}`,
    async () => words.test((said = await lastFailureOf(run))),
    60_000,
  ).catch((error: unknown) => assert.fail(`${String(error)}; it failed with: ${said}`));
}

describe('26 the disk is full', { skip: mountMissing() ?? false }, () => {
  test('26 in fetch: the step fails with STAGING_FULL and removes partial files; with free space every attempt lands once', async () => {
    const attempts = someAttempts(1, 4_000);
    const platform = await startPlatform({ seed: 1, count: attempts.length });
    const pipeline = await TestPipeline.create({ source: { url: `${platform.url}/attempts` } });
    // A chunk fits, but not beside what is kept of the download.
    const disk = SmallDisk.of(pipeline, '17m');
    try {
      await pipeline.startWorker(HOST);
      const run = await pipeline.start({ source: 'source' });
      await failsWith(run, /^fetch STAGING_FULL: no space is left to write /);
      disk.makeRoom();
      const result = await waitForResult(run);
      assert.deepEqual([result.outcome, result.rows['attempts']], ['landed', attempts.length]);
      await requireExactly(pipeline, attempts);
    } finally {
      disk.unmount();
      await pipeline.close();
      await platform.close();
    }
  });

  /** A run of a topic whose batch is too large for the disk: it fails with these words, and lands all once there is room. */
  async function fillsUp({ limits, size }: { limits: object; size: string }, words: RegExp): Promise<void> {
    const attempts = someAttempts(2, 2_000);
    const other = await OtherTopic.create({ limits });
    const disk = SmallDisk.of(other.pipeline, size);
    try {
      await other.publish(attempts);
      await other.pipeline.startWorker(HOST);
      const run = await other.start();
      await failsWith(run, words);
      disk.makeRoom();
      assert.equal((await waitForResult(run)).outcome, 'landed');
      await requireExactly(other.pipeline, attempts);
    } finally {
      disk.unmount();
      await other.pipeline.close();
    }
  }

  test('26 in consume: the step fails with STAGING_FULL; with free space every attempt lands once', async () => {
    // The bound of a batch is looked at between the batches of its producer, of which one is more than the disk holds.
    await fillsUp(
      { limits: { batchBytes: 100_000 }, size: '200k' },
      /^consume STAGING_FULL: no space is left to write /,
    );
  });

  test('26 before consume begins: the step fails with STAGING_FULL; with free space every attempt lands once', async () => {
    await fillsUp(
      { limits: { batchBytes: 5_000_000 }, size: '4m' },
      /^consume STAGING_FULL: the disk of the staging folder \S+ has \d+ bytes free, and 5000000 are needed$/m,
    );
  });

  test('26 in transform, while the tables are written: the step fails with STAGING_FULL, and no partial file is taken for a complete one', async () => {
    // The batch fits, and leaves room for its small tables only.
    await fillsUp({ limits: { batchBytes: 5_500_000 }, size: '5800k' }, /^transform STAGING_FULL: /m);
  });
});
