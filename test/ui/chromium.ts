import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onPath } from '../../services/tools.ts';

/** Names a Chromium or Chrome to use in place of the one on the PATH. */
const VARIABLE = 'PIPELINE_TEST_CHROMIUM';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Fetching the package and what it needs takes seconds; a mirror that hangs must not hold up the tests. */
const INSTALL_SECONDS = 300;

/** The browser's program: the one that the variable names, else the first on the PATH. */
export function findChromium(): string | undefined {
  const named = process.env[VARIABLE];
  if (named !== undefined && named !== '') return named;
  return NAMES.map((name) => onPath(name)).find((path) => path !== undefined);
}

/** Why the tests of the UI are left out; false where there is a browser. */
export function leftOut(): string | false {
  return (
    findChromium() === undefined &&
    `The Temporal UI is tried in a real browser: apt install chromium, or name one in ${VARIABLE}.`
  );
}

/**
 * Sees to it that there is a browser: where there is none, and this may be done, Debian's package is installed,
 * once for the machine.
 * @returns Why there is none after all, or undefined.
 */
export async function ensureChromium(say: (line: string) => void): Promise<string | undefined> {
  if (findChromium() !== undefined) return undefined;
  if (process.getuid?.() === 0 && onPath('apt-get') !== undefined && onPath('timeout') !== undefined) {
    say('installing Debian’s package chromium, once');
    const began = Date.now();
    const options = ['-qq', '-o', 'Acquire::Retries=3', '-o', 'DPkg::Lock::Timeout=60'];
    const done =
      (await apt([...options, 'update'])) &&
      (await apt([...options, '-y', '--no-install-recommends', 'install', 'chromium']));
    say(
      `chromium ${done ? 'was installed' : 'could not be installed'}, in ${Math.round((Date.now() - began) / 1000)} s`,
    );
  }
  const why = leftOut();
  return why === false ? undefined : why;
}

async function apt(words: readonly string[]): Promise<boolean> {
  const child = spawn('timeout', [String(INSTALL_SECONDS), 'apt-get', ...words], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return code === 0;
}
