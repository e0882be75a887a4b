import { mkdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PRIVATE_FILE_MODE, PRIVATE_FOLDER_MODE } from '../lib/private-files.ts';

/**
 * Formats a server's storage the first time. Without the mark that is set at its end, what lies there is part of a
 * format that was interrupted; no server has run on it, so it holds nothing to keep and is begun again.
 */
export async function formatOnce(data: string, format: () => Promise<void>): Promise<void> {
  const mark = join(data, 'formatted');
  if (existsSync(mark)) return;
  await rm(data, { recursive: true, force: true });
  await mkdir(data, { recursive: true, mode: PRIVATE_FOLDER_MODE });
  await format();
  await writeFile(mark, '', { mode: PRIVATE_FILE_MODE });
}
