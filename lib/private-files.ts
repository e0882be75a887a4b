import { chmod, mkdir, stat } from 'node:fs/promises';
import { messageOf, PipelineError } from '../model/errors.ts';

/** The mode of a folder that only its owner may open, and of a file that only its owner may read and write. */
export const PRIVATE_FOLDER_MODE = 0o700;
export const PRIVATE_FILE_MODE = 0o600;

/** Bits of a mode that give others than the owner any right. */
const OTHERS = 0o077;

/** Has what this process and its children make from now on belong to its user alone, whatever modes they ask for. */
export function makeFilesPrivate(): void {
  process.umask(OTHERS);
}

/** Does something as after {@link makeFilesPrivate}, as starting a child process; it must not be asynchronous. */
export function withPrivateFiles<T>(work: () => T): T {
  const before = process.umask(OTHERS);
  try {
    return work();
  } finally {
    process.umask(before);
  }
}

/**
 * Makes a folder, and its missing parents, that only this user may open; one that is there loses the rights of others.
 * @throws {PipelineError} FOLDER_NOT_OWN where it belongs to another user, who could replace what is in it.
 */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: PRIVATE_FOLDER_MODE });
  const { uid, mode } = await stat(path);
  const own = process.getuid?.();
  if (own !== undefined && uid !== own)
    throw new PipelineError(
      'FOLDER_NOT_OWN',
      `${path} belongs to the user ${uid}, and this program runs as ${own}`,
    );
  if (own === undefined || (mode & OTHERS) === 0) return;
  try {
    await chmod(path, mode & PRIVATE_FOLDER_MODE);
  } catch (cause) {
    throw new PipelineError('FOLDER_NOT_OWN', `${path} cannot be closed to others: ${messageOf(cause)}`, {
      cause,
    });
  }
}
