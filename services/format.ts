import { mkdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PRIVATE_FILE_MODE, PRIVATE_FOLDER_MODE } from '../lib/private-files.ts';

/**
 * Formats a server's storage the first time. Without the mark, which is set last, a previous format was interrupted:
 * no server has run on that storage, so it is deleted and formatted again.
 */
export async function formatOnce(data: string, format: () => Promise<void>): Promise<void> {
  const mark = join(data, 'formatted');
  if (existsSync(mark)) return;
  await rm(data, { recursive: true, force: true });
  await mkdir(data, { recursive: true, mode: PRIVATE_FOLDER_MODE });
  await format();
  await writeFile(mark, '', { mode: PRIVATE_FILE_MODE });
}
