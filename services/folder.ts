import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { makePrivateFolder, PRIVATE_FILE_MODE } from '../lib/private-files.ts';
import { messageOf, PipelineError } from '../model/errors.ts';
import type { Ports } from './ports.ts';

/** The paths of a stack's folder, which a reset deletes as a whole. */
export interface StackFolder {
  readonly root: string;
  /** Folder of a server's own data; survives stops. */
  data(name: string): string;
  /** Path of a settings file, which each start overwrites. */
  config(name: string): string;
  log(name: string): string;
  pidFile(name: string): string;
}

const port = z.int().min(1).max(65_535);

const stateSchema = z.strictObject({
  ports: z.strictObject({
    temporal: z.strictObject({ grpc: port, ui: port, metrics: port }),
    kafka: z.strictObject({ broker: port, controller: port }),
    namenode: z.strictObject({ rpc: port, http: port }),
    datanode: z.strictObject({ data: port, http: port, ipc: port }),
  }),
});

/** Returns the layout of a stack's folder; creates nothing. */
export function stackFolder(path: string): StackFolder {
  const root = resolve(path);
  return {
    root,
    data: (name) => join(root, 'data', name),
    config: (name) => join(root, 'config', name),
    log: (name) => join(root, 'logs', `${name}.log`),
    pidFile: (name) => join(root, 'pids', `${name}.json`),
  };
}

/**
 * Creates the folder and its missing parents, accessible to this user alone.
 *
 * @throws PipelineError FOLDER_NOT_OWN when it belongs to another user.
 */
export async function makeStackFolder(folder: StackFolder): Promise<void> {
  await makePrivateFolder(folder.root);
  for (const part of ['data', 'config', 'logs', 'pids']) await makePrivateFolder(join(folder.root, part));
}

/**
 * Reads the ports that the folder's servers last had; undefined for a new folder.
 *
 * @throws PipelineError SETTINGS_INVALID when the state file is malformed.
 */
export async function readPorts(folder: StackFolder): Promise<Ports | undefined> {
  const path = statePath(folder);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return stateSchema.parse(JSON.parse(text)).ports;
  } catch (cause) {
    throw new PipelineError(
      'SETTINGS_INVALID',
      `${path} is not a state file of these services (${messageOf(cause)}). Move it away, then start again.`,
      { cause },
    );
  }
}

/** Stores the ports for later starts. */
export async function writePorts(folder: StackFolder, ports: Ports): Promise<void> {
  await writeWhole(statePath(folder), `${JSON.stringify({ ports }, null, 2)}\n`);
}

/** Writes a file atomically: a reader sees the old text or the new. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomUUID()}`;
  await writeFile(beside, text, { mode: PRIVATE_FILE_MODE });
  await rename(beside, path);
}

/** Deletes a stack's files, and leaves other files in the same folder. */
export async function deleteStackFolder(folder: StackFolder): Promise<void> {
  if ((await readPorts(folder)) === undefined) return; // not a stack's folder
  for (const part of ['data', 'config', 'logs', 'pids'])
    await rm(join(folder.root, part), { recursive: true, force: true });
  await rm(statePath(folder), { force: true });
  await rmdir(folder.root).catch(() => undefined); // fails while the folder has other files
}

/** Returns whether an error of node:fs is ENOENT. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function statePath(folder: StackFolder): string {
  return join(folder.root, 'state.json');
}
