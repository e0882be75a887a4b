import { onPath } from '../../services/tools.ts';
import { apt, hasApt } from '../support/debian.ts';

/** Names a Chromium or Chrome to use in place of the one on the PATH. */
const VARIABLE = 'PIPELINE_TEST_CHROMIUM';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The browser's program: the one that the variable names, else the first on the PATH. */
export function findChromium(): string | undefined {
  const named = process.env[VARIABLE];
  if (named !== undefined && named !== '') return named;
  return NAMES.map((name) => onPath(name)).find((path) => path !== undefined);
}

/** Why the tests of the UI are left out; false where there is a browser. */
export function uiSkipReason(): string | false {
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
  if (hasApt()) {
    say('installing Debian’s package chromium, once');
    const began = Date.now();
    const done =
      (await apt(['update'])) && (await apt(['-y', '--no-install-recommends', 'install', 'chromium']));
    say(
      `chromium ${done ? 'was installed' : 'could not be installed'}, in ${Math.round((Date.now() - began) / 1000)} s`,
    );
  }
  const why = uiSkipReason();
  return why === false ? undefined : why;
}
