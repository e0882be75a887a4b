import { createHash, randomUUID } from 'node:crypto';
import { lstat, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PipelineError } from '../../model/errors.ts';
import { PRIVATE_FILE_MODE, PRIVATE_FOLDER_MODE } from '../../lib/private-files.ts';
import { mapDiskFull, type Execution, type Staging } from './staging.ts';

/**
 * A path in a run's staging folder, as activities hand them to each other: relative, without `.` or `..`, and of the
 * characters that the names of staged files have.
 */
export const STAGED_PATH = /^(?=.{1,200}$)[A-Za-z0-9][A-Za-z0-9._~-]*(?:\/[A-Za-z0-9][A-Za-z0-9._~-]*)*$/;

/** What a receipt is named after the file or folder that it is about. */
const RECEIPT = '.receipt';

/**
 * The staging folder of one workflow execution. Paths are relative to it and never leave it: each is checked wherever
 * it is used, links included, so that an activity can be given any.
 */
export class RunStaging {
  /** Absolute. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** The part of a staging folder that belongs to an execution. */
  static of(staging: Pick<Staging, 'folderOf'>, execution: Execution): RunStaging {
    return new RunStaging(staging.folderOf(execution));
  }

  /**
   * Returns the absolute path of something staged, which need not exist.
   * @throws {PipelineError} INPUT_INVALID when it is outside of the folder, or a link is on the way.
   */
  async locate(path: string): Promise<string> {
    if (!STAGED_PATH.test(path)) throw outside(path);
    let at = this.folder;
    for (const part of ['', ...path.split('/')]) {
      at = join(at, part);
      const found = await lstat(at).catch(undefinedWhereMissing);
      if (found === undefined) break;
      if (found.isSymbolicLink()) throw outside(path);
    }
    return join(this.folder, path);
  }

  /** Makes a folder where there is none and returns its absolute path. */
  async makeFolder(path: string): Promise<string> {
    const folder = await this.locate(path);
    await mapDiskFull(path, mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER_MODE }));
    return folder;
  }

  /** Removes a file or folder, but for its receipt; nothing happens where there is none. */
  async remove(path: string): Promise<void> {
    await rm(await this.locate(path), { recursive: true, force: true });
  }

  /**
   * Makes an empty folder of a name that it never had before, in place of those of earlier tries: what a receipt is
   * about can't be replaced by something else while it is used.
   * @returns Its path: the given one, `~` and some digits.
   */
  async makeFreshFolder(path: string): Promise<string> {
    const parent = dirname(path);
    const around = parent === '.' ? this.folder : await this.makeFolder(parent);
    const prefix = `${join(around, path.slice(path.lastIndexOf('/') + 1))}~`;
    await mapDiskFull(path, mkdir(around, { recursive: true, mode: PRIVATE_FOLDER_MODE }));
    for (const name of await readdir(around)) {
      const earlier = join(around, name);
      if (earlier.startsWith(prefix)) await rm(earlier, { recursive: true, force: true });
    }
    const folder = `${path}~${randomUUID().slice(0, 8)}`;
    await this.makeFolder(folder);
    return folder;
  }

  /** Writes down what a staged file or folder is, for the activity that is handed it: its SHA-256, beside it. */
  async writeReceipt(path: string, value: unknown): Promise<void> {
    const file = await this.locate(`${path}${RECEIPT}`);
    const temporary = `${file}.${randomUUID().slice(0, 8)}`;
    await mapDiskFull(path, writeFile(temporary, digestOf(value), { mode: PRIVATE_FILE_MODE }));
    await rename(temporary, file);
  }

  /**
   * Makes sure that a staged file or folder is what this run left there.
   * @throws {PipelineError} STAGING_LOST when nothing is there, INPUT_INVALID when it is something else.
   */
  async requireReceipt(path: string, value: unknown): Promise<void> {
    const file = await this.locate(`${path}${RECEIPT}`);
    const digest = await readFile(file, 'utf8').catch(undefinedWhereMissing);
    if (digest === undefined)
      throw new PipelineError('STAGING_LOST', `this run has nothing staged at ${path} on this host`);
    if (digest !== digestOf(value))
      throw new PipelineError('INPUT_INVALID', `what is staged at ${path} is not what the input says`);
  }
}

function outside(path: string): PipelineError {
  const named = JSON.stringify(path.slice(0, 200));
  return new PipelineError('INPUT_INVALID', `the path ${named} is not one of the run's own staged files`);
}

/** Of a value as JSON has it, whatever the order of its keys. */
function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value, sortedKeys)).digest('hex');
}

function sortedKeys(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function undefinedWhereMissing(error: unknown): undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  throw error;
}
