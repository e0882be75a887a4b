// Where the compiled scanner is: a file for each state of what it is compiled from.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BUILDS, PROJECT, digestOf } from './builds.js';

export const SCANNER_SOURCES = 'records/scanner';

/**
 * Returns where the scanner that is compiled from the present sources is, or would be.
 * @returns {string} Its path.
 */
export function scannerFile() {
  const sources = readdirSync(join(PROJECT, SCANNER_SOURCES)).map((name) => `${SCANNER_SOURCES}/${name}`);
  const digest = digestOf(['package.json', 'bin/scanner.js', ...sources.sort()]);
  return join(BUILDS, `scanner.${digest}.wasm`);
}

/**
 * Tells whether a file of the builds' folder is a compiled scanner, of whichever sources.
 * @param {string} name Its name.
 * @returns {boolean}
 */
export function isScanner(name) {
  return /^scanner\.[0-9a-f]+\.wasm$/.test(name);
}
