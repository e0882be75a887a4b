import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onPath } from '../../services/tools.ts';

/** Fetching a package takes seconds; a mirror that hangs must not hold up the tests. */
const SECONDS = 300;

const PATIENCE = ['-qq', '-o', 'Acquire::Retries=3', '-o', 'DPkg::Lock::Timeout=60'];

/** Returns whether Debian packages can be downloaded and installed here. */
export function hasApt(): boolean {
  return (
    process.getuid?.() === 0 && ['apt-get', 'dpkg-deb', 'timeout'].every((name) => onPath(name) !== undefined)
  );
}

/**
 * Runs apt-get.
 * @param folder Download folder.
 * @returns Whether it succeeded.
 */
export function apt(words: readonly string[], folder?: string): Promise<boolean> {
  return succeeds('timeout', [String(SECONDS), 'apt-get', ...PATIENCE, ...words], folder);
}

/** Runs a program, and reports why it fails, if it does. */
export async function succeeds(program: string, words: readonly string[], folder?: string): Promise<boolean> {
  const child = spawn(program, words, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    cwd: folder,
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return code === 0;
}
