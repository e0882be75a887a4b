// Compiles the programs, which are TypeScript, into the JavaScript that Node runs. What was compiled from the same
// sources before is taken as it is; a program that runs keeps what it was started from, whatever changes since.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { BUILDS, PROJECT, digestOf, makeOnce } from './builds.js';
import { buildScanner } from './scanner.js';

/** The sources of the worker. */
const FOLDERS = [
  ...['activities', 'adapters', 'lib', 'model', 'records'],
  ...['steps', 'tables', 'worker', 'workflows'],
];
/** The sources of the command line alone. */
const CLIENT = 'client';
/** Inputs of the build besides the sources: the versions of compilers and packages, and the compilers' options. */
const COMPILERS = ['package.json', 'package-lock.json', 'bin/built.js', 'bin/scanner.js'];
/** The contracts, whose definitions are compiled into JSON, and the standard's schema. */
const CONTRACTS = 'contracts';
const CONTRACTS_SCHEMA = 'odcs-v3.2.0.schema.json';
/** Has a compiler of its own. */
const SCANNER = 'records/scanner/';
/** Packages that the command line's bundle only names: native code, and code that is no valid module. */
const NOT_BUNDLED = ['@duckdb/*', '@node-rs/*', 'lz4-napi', 'parquetjs-lite', 'webhdfs'];

/**
 * Returns the compiled worker, to be imported.
 * @returns {Promise<string>} Its URL.
 */
export async function builtWorker() {
  return pathToFileURL(join(await build(), 'worker/main.js')).href;
}

/**
 * Returns the compiled command line, to be imported.
 * @returns {Promise<string>} Its URL.
 */
export async function builtCommandLine() {
  return pathToFileURL(join(await build(), CLIENT, 'main.js')).href;
}

/**
 * Compiles, unless that was done. Each source of the worker becomes a file of the same place and name. The command
 * line becomes a bundle with its packages: reading a few large files takes half the time of finding hundreds.
 * @returns {Promise<string>} The folder of what was compiled.
 */
export async function build() {
  const sources = FOLDERS.flatMap((name) => filesIn(name, MODULE)).sort();
  const others = [...filesIn(CLIENT, MODULE), ...filesIn(CONTRACTS, /\.(?:yaml|json)$/)].sort();
  const folder = join(BUILDS, digestOf([...COMPILERS, ...sources, ...others]));
  const make = async (unfinished) => {
    await compile(
      sources.filter((source) => !source.startsWith(SCANNER)),
      unfinished,
    );
    const client = join(unfinished, CLIENT);
    await bundle(['client/cli/main.ts', 'client/cli/list-commands.ts'], client);
    const scanner = await buildScanner();
    for (const place of ['records', CLIENT]) {
      await mkdir(join(unfinished, place), { recursive: true });
      await copyFile(scanner, join(unfinished, place, 'scanner.wasm'));
    }
    await compileContracts(unfinished);
    await writeFile(join(client, 'commands.json'), await run(join(client, 'list-commands.js')));
  };
  await makeOnce(folder, make, (name) => !name.includes('.'));
  return folder;
}

/** Compiles the contracts, so that no program has to parse and validate them when it starts. */
async function compileContracts(folder) {
  const schema = join(PROJECT, CONTRACTS, CONTRACTS_SCHEMA);
  for (const place of ['records/contract', CLIENT])
    await copyFile(schema, join(folder, place, CONTRACTS_SCHEMA));
  const contracts = await run(join(folder, 'records/contract/compile.js'), join(PROJECT, CONTRACTS));
  for (const place of ['records', CLIENT]) await writeFile(join(folder, place, 'contracts.json'), contracts);
}

/** Runs a module with Node; returns what it prints. */
async function run(...args) {
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: MAX_PRINTED_BYTES });
  return stdout;
}

const MODULE = /\.[jt]s$/;
const MAX_PRINTED_BYTES = 64 << 20;

/** The files of a folder, and of the folders in it, whose names match, as paths from the project's folder. */
function filesIn(folder, names) {
  return readdirSync(join(PROJECT, folder), { recursive: true })
    .filter((name) => names.test(name))
    .map((name) => join(folder, name).replaceAll(sep, '/'));
}

const OPTIONS = {
  absWorkingDir: PROJECT,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  logLevel: 'error',
};

async function compile(sources, folder) {
  const esbuild = await import('esbuild');
  await esbuild.build({
    ...OPTIONS,
    entryPoints: sources,
    outdir: folder,
    outbase: '.',
    sourcemap: true,
    sourcesContent: false,
    // Only so that imports are resolved, and can be told the names of what is compiled; each module stays alone.
    bundle: true,
    plugins: [{ name: 'imports', setup: (esbuild) => esbuild.onResolve({ filter: /./ }, resolved) }],
  });
}

// What the program imports only when it needs it becomes files of its own.
async function bundle(entries, folder) {
  const esbuild = await import('esbuild');
  await esbuild.build({
    ...OPTIONS,
    entryPoints: entries,
    outdir: folder,
    bundle: true,
    splitting: true,
    external: NOT_BUNDLED,
    // For the packages that are CommonJS.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module';\nconst require = requireOf(import.meta.url);",
    },
  });
}

function resolved({ kind, path }) {
  if (kind === 'entry-point') return undefined;
  return { external: true, path: path.startsWith('.') ? compiled(path) : path };
}

function compiled(path) {
  return path.replace(/\.ts$/, '.js');
}
