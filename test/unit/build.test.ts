import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = [
  ...['activities', 'adapters', 'client', 'lib', 'model'],
  ...['records', 'steps', 'tables', 'worker', 'workflows'],
];

/** Loads the other module on request. */
const MAIN = `
interface Greeting {
  readonly words: string;
}
const greeting: Greeting = { words: 'it is' };
if (process.argv[2] === 'fail') throw new Error(greeting.words);
process.stdout.write('started\\n');
process.stdin.once('data', () => {
  void import('../model/late.ts').then(({ late }) => process.stdout.write(greeting.words + ' ' + late + '\\n'));
});
`;

/** Uses a package that is a module and one that is CommonJS. */
const COMMAND_LINE = `
import { Command } from 'commander';
import { z } from 'zod';
const { late } = await import('../../model/late.ts');
process.stdout.write(new Command('it').name() + ' is ' + z.string().parse(late) + '\\n');
`;

void describe('what the programs are compiled to', () => {
  const project = mkdtempSync(join(tmpdir(), 'pipeline-build-'));
  after(() => {
    rmSync(project, { recursive: true });
  });

  beforeEach(() => {
    for (const name of builds()) rmSync(join(project, 'dist', name), { recursive: true });
    for (const folder of FOLDERS) mkdirSync(join(project, folder), { recursive: true });
    for (const folder of ['bin', 'records/scanner'])
      cpSync(join(ROOT, folder), join(project, folder), { recursive: true });
    rmSync(join(project, 'node_modules'), { force: true });
    symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'));
    write('package.json', '{"type":"module"}');
    write('package-lock.json', '{}');
    write('worker/main.ts', MAIN);
    mkdirSync(join(project, 'client/cli'), { recursive: true });
    write('client/cli/main.ts', COMMAND_LINE);
    write('client/cli/list-commands.ts', "process.stdout.write('[]');");
    for (const folder of ['records/contract', 'contracts'])
      mkdirSync(join(project, folder), { recursive: true });
    write('records/contract/compile.ts', "process.stdout.write('[]');");
    write('contracts/odcs-v3.2.0.schema.json', '{}');
    sayLate('old');
  });

  function write(path: string, content: string): void {
    writeFileSync(join(project, path), content);
  }

  function sayLate(word: string): void {
    write('model/late.ts', `export const late: string = '${word}';`);
  }

  async function build(): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [join(project, 'bin/build.js')]);
    return stdout.trim();
  }

  /** Lists the folders of builds, next to which is the scanner. */
  function builds(): string[] {
    if (!existsSync(join(project, 'dist'))) return [];
    return readdirSync(join(project, 'dist')).filter((name) => !/^scanner\.[0-9a-f]+\.wasm$/.test(name));
  }

  it('is kept while no source changes, and rebuilt when one does', async () => {
    const first = await build();
    assert.equal(dirname(first), join(project, 'dist'));
    assert.equal(await build(), first);
    sayLate('new');
    const second = await build();
    assert.notEqual(second, first);
    sayLate('old');
    assert.equal(await build(), first);
  });

  it('is rebuilt when the project names other compilers or packages', async () => {
    const first = await build();
    write('package.json', '{"type":"module","dependencies":{"esbuild":"other"}}');
    const second = await build();
    assert.notEqual(second, first);
    write('package-lock.json', '{"packages":{}}');
    assert.notEqual(await build(), second);
  });

  it('is not changed under a running program', async () => {
    const child = spawn(process.execPath, [join(project, 'bin/worker.js')]);
    await once(child.stdout, 'data');
    sayLate('new');
    await build();
    const output = text(child.stdout);
    child.stdin.end('now');
    assert.equal(await output, 'it is old\n');
  });

  it('is made once by concurrent starts, without leftovers', async () => {
    const made = await Promise.all([build(), build(), build(), build()]);
    assert.deepEqual(
      [...new Set(made)].map((folder) => basename(folder)),
      builds(),
    );
  });

  it('is kept for the last eight versions of the sources', async () => {
    const made: string[] = [];
    for (let at = 0; at < 10; at += 1) {
      sayLate(String(at));
      made.push(basename(await build()));
    }
    assert.deepEqual(builds().sort(), made.slice(2).sort());
  });

  it('includes the scanner, which is compiled when it changes', async () => {
    const compiled = async (): Promise<Buffer> => readFileSync(join(await build(), 'records/scanner.wasm'));
    const before = await compiled();
    assert.equal(before.toString('latin1', 0, 4), '\0asm');
    appendFileSync(
      join(project, 'records/scanner/index.ts'),
      'export function more(): u32 {\n  return 7;\n}\n',
    );
    assert.notDeepEqual(await compiled(), before);
    appendFileSync(join(project, 'records/scanner/index.ts'), 'export const WRONG: u32 = none;\n');
    await assert.rejects(build(), /records\/scanner cannot be compiled.*Cannot find name 'none'/s);
  });

  it('is not compiled by the module that loads it, which names the command where it is missing or stale', async () => {
    cpSync(join(ROOT, 'records/scanner.ts'), join(project, 'records/scanner.ts'));
    write('load.ts', "await import('./records/scanner.ts');");
    const run = async (...words: string[]): Promise<unknown> =>
      promisify(execFile)(process.execPath, words, { cwd: project });
    const load = async (): Promise<unknown> => run('--import', 'tsx', 'load.ts');
    rmSync(join(project, 'dist'), { recursive: true, force: true });
    await assert.rejects(load(), /has not been compiled: run `npm run build:scanner`/);
    await run('bin/build-scanner.js');
    await load();
    appendFileSync(join(project, 'records/scanner/index.ts'), 'export const MORE: u32 = 1;\n');
    await assert.rejects(load(), /is older than records\/scanner.*: run `npm run build:scanner`/);
    await run('bin/build-scanner.js');
    await load();
  });

  it('includes the packages of the command line', async () => {
    await build();
    rmSync(join(project, 'node_modules'));
    const { stdout } = await promisify(execFile)(process.execPath, [join(project, 'bin/pipeline.js')]);
    assert.equal(stdout, 'it is old\n');
  });

  it('maps stack traces to the sources', async () => {
    const child = spawn(process.execPath, [join(project, 'bin/worker.js'), 'fail']);
    const [errors] = await Promise.all([text(child.stderr), once(child, 'close')]);
    assert.match(errors, /Error: it is\n.*worker\/main\.ts:6:/s);
  });

  it('fails on sources that cannot be compiled, and reports the position', async () => {
    write('worker/main.ts', 'const word: string = ;');
    await assert.rejects(build(), /worker\/main\.ts:1:21: ERROR: Unexpected ";"/);
    assert.deepEqual(builds(), []);
    write('worker/main.ts', MAIN);
    write('client/cli/main.ts', "import 'none';");
    await assert.rejects(build(), /client\/cli\/main\.ts:1:7: ERROR: Could not resolve "none"/);
    assert.deepEqual(builds(), []);
  });
});
