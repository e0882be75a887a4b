// Compiles the programs, which are TypeScript, into the JavaScript that Node runs. What was compiled from the same
// sources before is taken as it is; a program that runs keeps what it was started from, whatever changes since.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = [
  ...['activities', 'adapters', 'client', 'model'],
  ...['services/platform', 'tables', 'worker', 'workflows'],
];
const BUILDS = join(ROOT, 'dist');

/** So many builds are kept: a program may go on to load parts of an older one. */
const BUILDS_KEPT = 8;

/**
 * The compiled module, to be imported.
 * @param {string} module Its path from the project's folder, as 'client/main.ts'.
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
  const folder = join(BUILDS, digestOf(sources));
  if (existsSync(folder)) return folder;
  // Others may be compiling the same: who is first moves it into place.
  const unfinished = `${folder}.${process.pid}`;
  await compile(sources, unfinished);
  try {
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
  await removeOld();
  return folder;
}

/** Those that a folder and the folders in it hold, as paths from the project's folder. */
function modulesIn(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true })
    .filter((name) => /\.[jt]s$/.test(name))
    .map((name) => join(folder, name).replaceAll(sep, '/'));
}

/** Differs when a source does, or how they are compiled. */
function digestOf(sources) {
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)));
  for (const source of sources) hash.update(`\n${source}\n`).update(readFileSync(join(ROOT, source)));
  return hash.digest('hex').slice(0, 16);
}

async function compile(sources, folder) {
  const esbuild = await import('esbuild');
  await esbuild.build({
    absWorkingDir: ROOT,
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

async function removeOld() {
  const builds = readdirSync(BUILDS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(BUILDS, name))
    // Another process may be removing them as well.
    .map((path) => ({ path, at: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((one, other) => other.at - one.at);
  for (const { path } of builds.slice(BUILDS_KEPT)) await rm(path, { recursive: true, force: true });
}
