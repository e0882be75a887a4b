// Compiles the programs, which are TypeScript, into the JavaScript that Node runs. What was compiled from the same
// sources before is taken as it is; a program that runs keeps what it was started from, whatever changes since.
import { readdirSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BUILDS, PROJECT, digestOf, makeOnce } from './builds.js';
import { buildScanner } from './scanner.js';

const FOLDERS = [
  ...['activities', 'adapters', 'client', 'lib', 'model'],
  ...['records', 'steps', 'tables', 'worker', 'workflows'],
];
/** Inputs of the build besides the sources: the compilers' versions and options. */
const COMPILERS = ['package.json', 'bin/built.js', 'bin/scanner.js'];
/** Has a compiler of its own. */
const SCANNER = 'records/scanner/';

/**
 * The compiled module, to be imported.
 * @param {string} module Its path from the project's folder, as 'client/cli/main.ts'.
 * @returns {Promise<string>} Its URL.
 */
export async function built(module) {
  return pathToFileURL(join(await build(), compiled(module))).href;
}

/**
 * Compiles, unless that was done: each source becomes a file of the same place and name.
 * @returns {Promise<string>} The folder of what was compiled.
 */
export async function build() {
  const sources = FOLDERS.flatMap(modulesIn).sort();
  const folder = join(BUILDS, digestOf([...COMPILERS, ...sources]));
  const make = async (unfinished) => {
    await compile(
      sources.filter((source) => !source.startsWith(SCANNER)),
      unfinished,
    );
    await mkdir(join(unfinished, 'records'), { recursive: true });
    await copyFile(await buildScanner(), join(unfinished, 'records/scanner.wasm'));
  };
  await makeOnce(folder, make, (name) => !name.includes('.'));
  return folder;
}

/** Those that a folder and the folders in it hold, as paths from the project's folder. */
function modulesIn(folder) {
  return readdirSync(join(PROJECT, folder), { recursive: true })
    .filter((name) => /\.[jt]s$/.test(name))
    .map((name) => join(folder, name).replaceAll(sep, '/'));
}

async function compile(sources, folder) {
  const esbuild = await import('esbuild');
  await esbuild.build({
    absWorkingDir: PROJECT,
    entryPoints: sources,
    outdir: folder,
    outbase: '.',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    sourcesContent: false,
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    logLevel: 'error',
    // Only so that imports are resolved, and can be told the names of what is compiled; each module stays alone.
    bundle: true,
    plugins: [{ name: 'imports', setup: (esbuild) => esbuild.onResolve({ filter: /./ }, resolved) }],
  });
}

function resolved({ kind, path }) {
  if (kind === 'entry-point') return undefined;
  return { external: true, path: path.startsWith('.') ? compiled(path) : path };
}

function compiled(path) {
  return path.replace(/\.ts$/, '.js');
}
