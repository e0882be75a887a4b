import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { PRIVATE_FILE_MODE } from '../lib/private-files.ts';
import { PipelineError } from '../model/errors.ts';
import { findProcess, findProcessByPid, type ProcessIdentity } from './identity.ts';
import { isMissing } from './folder.ts';

const POLL_MS = 100;
/** Longer than the longest start, which builds Temporal on a slow machine. */
const WAIT_MS = 15 * 60_000;

const ownerSchema = z.strictObject({ pid: z.int().positive(), started: z.string() });

/**
 * Runs work under a lock file that excludes other processes. The lock of a dead owner is discarded.
 *
 * @param waiting Called once when another process has the lock, with its pid.
 * @throws PipelineError SERVICE_BUSY when the other process keeps the lock.
 */
export async function withLock<Result>(
  path: string,
  waiting: (pid: number) => void,
  work: () => Promise<Result>,
): Promise<Result> {
  const deadline = performance.now() + WAIT_MS;
  let isReported = false;
  while (!acquire(path)) {
    const owner = readOwner(path);
    if (owner === undefined) continue; // released in the meantime
    if (findProcess(owner) === undefined) {
      discard(path, owner);
      continue;
    }
    if (performance.now() > deadline) {
      throw new PipelineError(
        'SERVICE_BUSY',
        `Process ${owner.pid} has been at work on the same servers for long (${path}).`,
      );
    }
    if (!isReported) waiting(owner.pid);
    isReported = true;
    await delay(POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** Creates the lock file with its content, atomically by a hard link; returns false where it exists. */
function acquire(path: string): boolean {
  const mine = `${path}.${process.pid}`;
  const own = findProcessByPid(process.pid);
  writeFileSync(mine, JSON.stringify({ pid: process.pid, started: own?.started ?? '' }), {
    mode: PRIVATE_FILE_MODE,
  });
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
}

function readOwner(path: string): ProcessIdentity | undefined {
  try {
    return ownerSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Removes the lock of a dead owner, unless another process has replaced it in the meantime. */
function discard(path: string, dead: ProcessIdentity): void {
  const aside = `${path}.dead-${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  const moved = readOwner(aside);
  if (moved !== undefined && moved.started !== dead.started) renameSync(aside, path);
  rmSync(aside, { force: true });
}
