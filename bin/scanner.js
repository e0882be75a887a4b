// Compiles the scanner, which is AssemblyScript, into WebAssembly.
import { mkdirSync, writeFileSync } from 'node:fs';
import { BUILDS, ROOT, makeOnce } from './builds.js';
import { SOURCES, isScanner, scannerFile } from './scanner-file.js';

/** It has no garbage collector: memory is given back all at once. */
const OPTIONS = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--enable', 'bulk-memory'];

/**
 * Compiles it, unless that was done.
 * @returns {Promise<string>} Where it is.
 */
export async function buildScanner() {
  const file = scannerFile();
  mkdirSync(BUILDS, { recursive: true });
  await makeOnce(file, compile, isScanner);
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
