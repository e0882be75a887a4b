// Compiled files, made once by any of several processes that need the same.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = fileURLToPath(new URL('..', import.meta.url));
export const BUILDS = join(PROJECT, 'dist');

/** Builds kept per kind: a running program may still load files of an older one. */
const BUILDS_KEPT = 8;

/** Differs when one of the files does, which are named as paths from the project's folder. */
export function digestOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`\n${file}\n`).update(readFileSync(join(PROJECT, file)));
  return hash.digest('hex').slice(0, 16);
}

/**
 * Makes a file or folder, unless it is there; what is made appears whole.
 * @param {string} path Where.
 * @param {(unfinished: string) => Promise<void>} make Makes it elsewhere; who is first moves it into place.
 * @param {(name: string) => boolean} isOfKind Tells the names of those of its kind: the oldest ones are removed.
 */
export async function makeOnce(path, make, isOfKind) {
  if (existsSync(path)) return;
  const unfinished = `${path}.${process.pid}`;
  try {
    await make(unfinished);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
  try {
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { recursive: true });
    if (!existsSync(path)) throw error;
  }
  await removeOld(isOfKind);
}

async function removeOld(isOfKind) {
  const builds = readdirSync(BUILDS)
    .filter(isOfKind)
    .map((name) => join(BUILDS, name))
    // Another process may be removing them as well.
    .map((path) => ({ path, at: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((one, other) => other.at - one.at);
  for (const { path } of builds.slice(BUILDS_KEPT)) await rm(path, { recursive: true, force: true });
}
