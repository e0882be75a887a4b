import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { runFolderName, workflowIdFault } from '../../model/run-folder.ts';
import { makePrivateFolder, PRIVATE_FILE_MODE } from '../../lib/private-files.ts';

/** A workflow execution, which owns one folder of the staging. */
export interface Execution {
  readonly workflowId: string;
  readonly runId: string;
}

/**
 * A worker's staging folder: the files that the steps of a run exchange on one host. Its size is limited. A run's folder
 * is deleted when the run ends; folders of dead runs are deleted when a worker starts.
 */
export class Staging {
  readonly root: string;
  readonly maxBytes: number;
  /** The id of the host; the worker's own task queue is named after it. */
  readonly hostId: string;

  private constructor(root: string, maxBytes: number, hostId: string) {
    this.root = root;
    this.maxBytes = maxBytes;
    this.hostId = hostId;
  }

  /**
   * Opens the folder, and creates it if missing. Workers of the same user on one host may share it.
   * @throws {PipelineError} FOLDER_NOT_OWN when it belongs to another user.
   */
  static async open(root: string, maxBytes: number): Promise<Staging> {
    await makePrivateFolder(root);
    await makePrivateFolder(join(root, 'runs'));
    return new Staging(root, maxBytes, await hostIdOf(root));
  }

  /**
   * Returns the absolute path of a run's folder.
   * @throws {PipelineError} INPUT_INVALID when the workflow id cannot be a folder's name.
   */
  folderOf({ workflowId, runId }: Execution): string {
    const fault = workflowIdFault(workflowId);
    if (fault !== undefined) throw new PipelineError('INPUT_INVALID', `the run ${runId} ${fault}`);
    return join(this.root, 'runs', runFolderName(workflowId, runId));
  }

  /** Deletes a run's folder. Idempotent. */
  async removeRun(execution: Execution): Promise<void> {
    await rm(this.folderOf(execution), { recursive: true, force: true });
  }

  /** Lists the executions that have a folder. */
  async executions(): Promise<Execution[]> {
    const names = await readdir(join(this.root, 'runs'));
    return names.map((name) => {
      const separator = name.lastIndexOf('@');
      return { workflowId: decodeURIComponent(name.slice(0, separator)), runId: name.slice(separator + 1) };
    });
  }

  /**
   * Checks that a number of bytes can still be written.
   * @throws {PipelineError} STAGING_FULL, naming the folder, its limit and its size.
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
 * Awaits a write and maps "no space left" to STAGING_FULL immediately, before a library in between can wrap the error.
 * @param path The written file, for errors.
 * @throws {PipelineError} STAGING_FULL
 */
export async function mapDiskFull<T>(path: string, writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    throw asStagingError(error, path);
  }
}

/** Maps the operating system's "no space left" to STAGING_FULL; returns other errors unchanged. */
function asStagingError(thrown: unknown, path: string): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return thrown;
  return new PipelineError('STAGING_FULL', `no space is left to write ${path}: ${messageOf(thrown)}`, {
    cause: thrown,
  });
}

/** Returns the staging folder's host id, which the first worker creates. Atomic by a hard link. */
async function hostIdOf(root: string): Promise<string> {
  const file = join(root, 'host-id');
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, randomUUID(), { mode: PRIVATE_FILE_MODE });
  try {
    await link(temporary, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(temporary);
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
      // Another run deleted it after the folder was listed.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  return bytes;
}
