import { chmod, mkdir, stat } from 'node:fs/promises';
import { messageOf, PipelineError } from '../model/errors.ts';

/** Modes that give rights to the owner only. */
export const PRIVATE_FOLDER_MODE = 0o700;
export const PRIVATE_FILE_MODE = 0o600;

/** Permission bits of group and others. */
const GROUP_AND_OTHERS = 0o077;

/** Sets the umask of this process and its children so that new files and folders are accessible to the owner only. */
export function makeFilesPrivate(): void {
  process.umask(GROUP_AND_OTHERS);
}

/** Runs synchronous work, such as starting a child process, with the umask of {@link makeFilesPrivate}. */
export function withPrivateFiles<T>(work: () => T): T {
  const previous = process.umask(GROUP_AND_OTHERS);
  try {
    return work();
  } finally {
    process.umask(previous);
  }
}

/**
 * Creates a folder with mode 0700, and its missing parents; removes the rights of group and others from an existing one.
 * @throws {PipelineError} FOLDER_NOT_OWN if it belongs to another user, who could replace its files.
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
  if (own === undefined || (mode & GROUP_AND_OTHERS) === 0) return;
  try {
    await chmod(path, mode & PRIVATE_FOLDER_MODE);
  } catch (cause) {
    throw new PipelineError('FOLDER_NOT_OWN', `${path} cannot be closed to others: ${messageOf(cause)}`, {
      cause,
    });
  }
}
