// Compiles the scanner, which is AssemblyScript, into WebAssembly.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILDS, ROOT, digestOf, makeOnce } from './builds.js';

const SOURCES = 'tables/scanner';
/** It has no garbage collector: memory is given back all at once. */
const OPTIONS = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--enable', 'bulk-memory'];

/**
 * Compiles it, unless that was done.
 * @returns {Promise<string>} Where it is.
 */
export async function scanner() {
  const sources = readdirSync(join(ROOT, SOURCES)).map((name) => `${SOURCES}/${name}`);
  const digest = digestOf(['package.json', 'bin/scanner.js', ...sources.sort()]);
  const file = join(BUILDS, `scanner.${digest}.wasm`);
  mkdirSync(BUILDS, { recursive: true });
  await makeOnce(file, compile, (name) => name.endsWith('.wasm'));
  return file;
}

async function compile(file) {
  const { default: asc } = await import('assemblyscript/asc');
  const asked = [`${SOURCES}/index.ts`, '--baseDir', ROOT, '--outFile', 'scanner.wasm', ...OPTIONS];
  const { error, stderr } = await asc.main(asked, {
    writeFile: (_, content) => writeFileSync(file, content),
  });
  if (error !== null)
    throw new Error(`${SOURCES} cannot be compiled: ${error.message}\n${stderr.toString()}`);
}
