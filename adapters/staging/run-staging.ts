import { createHash, randomUUID } from 'node:crypto';
import { lstat, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PipelineError } from '../../model/errors.ts';
import { PRIVATE_FILE_MODE, PRIVATE_FOLDER_MODE } from '../../lib/private-files.ts';
import { mapDiskFull, type Execution, type Staging } from './staging.ts';

/**
 * Matches a path in a run's staging folder, as activities pass it: relative, without `.` or `..`, and of the characters
 * that names of staged files consist of.
 */
export const STAGED_PATH = /^(?=.{1,200}$)[A-Za-z0-9][A-Za-z0-9._~-]*(?:\/[A-Za-z0-9][A-Za-z0-9._~-]*)*$/;

/** The suffix of receipts, after the path of their file or folder. */
const RECEIPT_SUFFIX = '.receipt';

/**
 * The staging folder of one workflow execution. All methods accept untrusted relative paths and throw INPUT_INVALID for
 * one that leads outside of the folder, also by a symbolic link.
 */
export class RunStaging {
  /** Absolute. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Returns the staging folder of an execution, which need not exist. */
  static of(staging: Pick<Staging, 'folderOf'>, execution: Execution): RunStaging {
    return new RunStaging(staging.folderOf(execution));
  }

  /**
   * Returns the absolute path of a staged file or folder, which need not exist.
   * @throws {PipelineError} INPUT_INVALID when it is outside of the folder, or part of the path is a symbolic link.
   */
  async locate(path: string): Promise<string> {
    if (!STAGED_PATH.test(path)) throw outside(path);
    let current = this.folder;
    for (const segment of ['', ...path.split('/')]) {
      current = join(current, segment);
      const found = await lstat(current).catch(undefinedIfMissing);
      if (found === undefined) break;
      if (found.isSymbolicLink()) throw outside(path);
    }
    return join(this.folder, path);
  }

  /** Creates a folder unless it exists and returns its absolute path. Idempotent. */
  async makeFolder(path: string): Promise<string> {
    const folder = await this.locate(path);
    await mapDiskFull(path, mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER_MODE }));
    return folder;
  }

  /** Deletes a file or folder, but not its receipt. Idempotent. */
  async remove(path: string): Promise<void> {
    await rm(await this.locate(path), { recursive: true, force: true });
  }

  /**
   * Creates an empty folder with a new name and deletes those of earlier attempts, so that a folder with a receipt
   * cannot be replaced while it is used.
   * @param adopt Takes over from the folders of earlier attempts before they are deleted; all paths are absolute.
   * @returns Its path: the given one, `~` and random digits.
   */
  async makeFreshFolder(
    path: string,
    adopt?: (earlier: readonly string[], fresh: string) => Promise<void>,
  ): Promise<string> {
    const parent = dirname(path);
    const parentFolder = parent === '.' ? this.folder : await this.makeFolder(parent);
    const prefix = `${join(parentFolder, path.slice(path.lastIndexOf('/') + 1))}~`;
    await mapDiskFull(path, mkdir(parentFolder, { recursive: true, mode: PRIVATE_FOLDER_MODE }));
    const earlier = (await readdir(parentFolder))
      .map((name) => join(parentFolder, name))
      .filter((name) => name.startsWith(prefix));
    if (adopt === undefined) await removeAll(earlier);
    const folder = `${path}~${randomUUID().slice(0, 8)}`;
    const fresh = await this.makeFolder(folder);
    if (adopt !== undefined) {
      await adopt(earlier, fresh);
      await removeAll(earlier);
    }
    return folder;
  }

  /** Writes the SHA-256 of a value that describes a staged file or folder, for {@link requireReceipt}. */
  async writeReceipt(path: string, value: unknown): Promise<void> {
    const file = await this.locate(`${path}${RECEIPT_SUFFIX}`);
    const temporary = `${file}.${randomUUID().slice(0, 8)}`;
    await mapDiskFull(path, writeFile(temporary, digestOf(value), { mode: PRIVATE_FILE_MODE }));
    await rename(temporary, file);
  }

  /**
   * Requires that this run has staged a file or folder with this description.
   * @throws {PipelineError} STAGING_LOST without a receipt; INPUT_INVALID for a receipt with another description.
   */
  async requireReceipt(path: string, value: unknown): Promise<void> {
    const file = await this.locate(`${path}${RECEIPT_SUFFIX}`);
    const digest = await readFile(file, 'utf8').catch(undefinedIfMissing);
    if (digest === undefined)
      throw new PipelineError('STAGING_LOST', `this run has nothing staged at ${path} on this host`);
    if (digest !== digestOf(value))
      throw new PipelineError('INPUT_INVALID', `what is staged at ${path} is not what the input says`);
  }
}

async function removeAll(folders: readonly string[]): Promise<void> {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
}

function outside(path: string): PipelineError {
  const named = JSON.stringify(path.slice(0, 200));
  return new PipelineError('INPUT_INVALID', `the path ${named} is not one of the run's own staged files`);
}

/** Hashes a JSON value, independent of the order of keys. */
function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value, sortedKeys)).digest('hex');
}

function sortedKeys(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function undefinedIfMissing(error: unknown): undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  throw error;
}
