import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { runFolderName, workflowIdFault } from '../../model/run-folder.ts';
import { makePrivateFolder, PRIVATE_FILE_MODE } from '../../lib/private-files.ts';

/** Which workflow execution a folder of the staging belongs to. */
export interface Execution {
  readonly workflowId: string;
  readonly runId: string;
}

/**
 * A worker's staging folder: what the steps of a run hand each other on one host. Its bytes are bounded,
 * a run's part is removed when the run ends, and what dead runs left is removed when a worker starts.
 */
export class Staging {
  readonly root: string;
  readonly maxBytes: number;
  /** Which host this staging is; a worker's own task queue is named after it. */
  readonly hostId: string;

  private constructor(root: string, maxBytes: number, hostId: string) {
    this.root = root;
    this.maxBytes = maxBytes;
    this.hostId = hostId;
  }

  /**
   * Opens the folder, made where it is missing. Several workers of one host may share it, of one user.
   * @throws {PipelineError} FOLDER_NOT_OWN where it is another user's.
   */
  static async open(root: string, maxBytes: number): Promise<Staging> {
    await makePrivateFolder(root);
    await makePrivateFolder(join(root, 'runs'));
    return new Staging(root, maxBytes, await hostIdOf(root));
  }

  /**
   * Returns the absolute path of a run's folder.
   * @throws {PipelineError} INPUT_INVALID when no folder can have its name.
   */
  folderOf({ workflowId, runId }: Execution): string {
    const fault = workflowIdFault(workflowId);
    if (fault !== undefined) throw new PipelineError('INPUT_INVALID', `the run ${runId} ${fault}`);
    return join(this.root, 'runs', runFolderName(workflowId, runId));
  }

  /** Removes all that a run has here; nothing happens where there is none. */
  async removeRun(execution: Execution): Promise<void> {
    await rm(this.folderOf(execution), { recursive: true, force: true });
  }

  /** The executions that have a folder here. */
  async executions(): Promise<Execution[]> {
    const names = await readdir(join(this.root, 'runs'));
    return names.map((name) => {
      const at = name.lastIndexOf('@');
      return { workflowId: decodeURIComponent(name.slice(0, at)), runId: name.slice(at + 1) };
    });
  }

  /**
   * Makes sure that so many more bytes may be written.
   * @throws {PipelineError} STAGING_FULL, naming the folder, its bound and what is used.
   */
  async reserve(bytes: number): Promise<void> {
    const used = await sizeOf(join(this.root, 'runs'));
    if (used + bytes > this.maxBytes) {
      throw new PipelineError(
        'STAGING_FULL',
        `the staging folder ${this.root} holds ${used} of its ${this.maxBytes} bytes, and ${bytes} more are needed`,
      );
    }
    const { bavail, bsize } = await statfs(this.root);
    if (bavail * bsize < bytes) {
      throw new PipelineError(
        'STAGING_FULL',
        `the disk of the staging folder ${this.root} has ${bavail * bsize} bytes free, and ${bytes} are needed`,
      );
    }
  }
}

/**
 * Writes to something staged; "no space" becomes a named error there and then, since whoever hears of it first
 * can be another library, which would take it for a fault of what it does itself.
 * @throws {PipelineError} STAGING_FULL
 */
export async function mapDiskFull<T>(path: string, writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    throw asStagingError(error, path);
  }
}

/** Turns the operating system's "no space" into a named error; any other error stays as it is. */
function asStagingError(thrown: unknown, path: string): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return thrown;
  return new PipelineError('STAGING_FULL', `no space is left to write ${path}: ${messageOf(thrown)}`, {
    cause: thrown,
  });
}

/** The host's id: made once for a staging folder, by whichever worker comes first. */
async function hostIdOf(root: string): Promise<string> {
  const file = join(root, 'host-id');
  const own = `${file}.${process.pid}`;
  await writeFile(own, randomUUID(), { mode: PRIVATE_FILE_MODE });
  try {
    await link(own, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(own);
  }
  return readFile(file, 'utf8');
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    try {
      bytes += (await stat(join(entry.parentPath, entry.name))).size;
    } catch (error) {
      // Another run removed it since the folder was listed.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  return bytes;
}
