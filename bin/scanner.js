// Compiles the scanner, which is AssemblyScript, into WebAssembly.
import { mkdirSync, writeFileSync } from 'node:fs';
import { BUILDS, PROJECT, makeOnce } from './builds.js';
import { SCANNER_SOURCES, isScanner, scannerFile } from './scanner-file.js';

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
  const asked = [
    `${SCANNER_SOURCES}/index.ts`,
    '--baseDir',
    PROJECT,
    '--outFile',
    'scanner.wasm',
    ...OPTIONS,
  ];
  const { error, stderr } = await asc.main(asked, {
    writeFile: (_, content) => writeFileSync(file, content),
  });
  if (error !== null)
    throw new Error(`${SCANNER_SOURCES} cannot be compiled: ${error.message}\n${stderr.toString()}`);
}
