import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { FrameWriter, readFrames } from '../../adapters/staging/frames.ts';
import { PipelineError } from '../../model/errors.ts';

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pipeline-frames-'));
});

after(() => rm(folder, { recursive: true }));

async function written(frames: readonly Buffer[]): Promise<string> {
  const path = join(folder, 'frames');
  const writer = await FrameWriter.create(path);
  for (const frame of frames) await writer.write(frame);
  await writer.close();
  return path;
}

async function read(path: string): Promise<Buffer[]> {
  const found: Buffer[] = [];
  // Copied, since their memory is reused.
  for await (const frames of readFrames(path)) found.push(...frames.map((frame) => Buffer.from(frame)));
  return found;
}

test('frames are read as written, whether empty, as large as the read buffer, or larger', async () => {
  const mib = 1 << 20;
  for (const sizes of [
    [],
    [0, 1, 0, 5],
    [mib - 4, 7],
    [mib - 5, 7, mib, 3 * mib + 1, 0, 2],
    Array.from({ length: 3000 }, (_, at) => at),
  ]) {
    const frames = sizes.map((bytes) => randomBytes(bytes));
    assert.ok(Buffer.concat(await read(await written(frames))).equals(Buffer.concat(frames)));
    assert.deepEqual(
      (await read(await written(frames))).map(({ length }) => length),
      sizes,
    );
  }
});

test('a file that ends within a frame is refused', async () => {
  const path = await written([randomBytes(100), randomBytes(2_000_000)]);
  const whole = await readFile(path);
  for (const bytes of [whole.length - 1, 106, 102]) {
    await writeFile(path, whole.subarray(0, bytes));
    await assert.rejects(
      read(path),
      (error) => error instanceof PipelineError && error.code === 'STAGING_LOST',
    );
  }
});
