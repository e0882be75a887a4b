import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import test from 'node:test';
import type { Command } from 'commander';
import { z } from 'zod';
import { loadProgram } from '../../client/cli/program.ts';
import { OF_RUNS } from '../../scripts/docs-errors.ts';
import { generatedPages } from '../../scripts/docs-pages.ts';
import { VARIABLES } from '../../scripts/docs-settings.ts';
import { ROOT } from '../support/harness.ts';

const Package = z.object({
  scripts: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
  overrides: z.record(z.string(), z.record(z.string(), z.string())),
});

/** Variables that other programs define, so that our pages need not describe them. */
const OF_OTHERS = new Set([
  ...['PATH', 'GOFLAGS', 'TMPDIR'],
  ...['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_SDK_DISABLED'],
]);

/** A page that also names files of other repositories and of containers. */
const ABOUT_OTHERS = 'docs/docker.md';

/** Folders with our code. */
const CODE = [
  ...[
    'activities',
    'adapters',
    'bin',
    'client',
    'contracts',
    'lib',
    'model',
    'records',
    'scripts',
    'services',
  ],
  ...['simulator', 'steps', 'tables', 'worker', 'workflows'],
];

/** The dependencies that Maven downloads. */
const POMS = [
  ...['services/kafka/pom.xml', 'services/hdfs/pom.xml', 'test/interop/pom.xml'],
  'bench/peers/pom.xml',
];

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...markdownIn('docs')].map((path) => ({
  path,
  text: read(path),
}));

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function markdownIn(folder: string): string[] {
  return filesIn(folder).filter((path) => path.endsWith('.md'));
}

function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath.slice(ROOT.length), entry.name));
}

/** Returns the code in a page: inline code, and the lines of code blocks. */
function codeIn(text: string): string[] {
  const blocks = [...text.matchAll(/^```\w*\n(.*?)^```/gms)].flatMap(([, block = '']) => block.split('\n'));
  const spans = [...text.replaceAll(/^```.*?^```/gms, '').matchAll(/`([^`\n]+)`/g)].map(
    ([, span = '']) => span,
  );
  return [...blocks, ...spans];
}

/** Returns the cells of each row of the table under a heading. */
function tableUnder(heading: string, text: string): string[][] {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  assert.ok(section, `there is no heading ${heading}`);
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** Returns the packages of the sections under a heading with their versions; each section must be complete. */
function sectionsUnder(heading: string): Record<string, string> {
  const page = read('docs/dependencies.md').split(/^## /m);
  const sections = (page.find((part) => part.startsWith(`${heading}\n`)) ?? '').split(/^### /m).slice(1);
  assert.notEqual(sections.length, 0, `there is no section under ${heading}`);
  return Object.fromEntries(
    sections.map((section) => {
      const form = /^`(\S+)`\n\n_(\S+) · \S[^·\n]* · latest release [\d-]+_\n\n\w.*^To replace it: \S/ms;
      const [, name, version] = form.exec(section) ?? [];
      assert.ok(name !== undefined && version !== undefined, `a section lacks a fact: ${section}`);
      return [name, version];
    }),
  );
}

/** Returns the names in a table's first column with the versions in its second. */
function versionsUnder(heading: string): Record<string, string> {
  const rows = tableUnder(heading, read('docs/dependencies.md'));
  for (const row of rows)
    assert.ok(
      row.every((cell) => cell !== ''),
      `an empty cell: ${row.join(' | ')}`,
    );
  return Object.fromEntries(rows.map(([name = '', version = '']) => [name.replaceAll('`', ''), version]));
}

test('the generated pages are up to date', async () => {
  for (const [path, text] of await generatedPages()) {
    assert.ok(read(path) === text, `${path} is out of date: run npx tsx scripts/docs.ts`);
  }
});

test('every dependency has its section with its version, and no other is listed', () => {
  const { dependencies, devDependencies, overrides } = Package.parse(JSON.parse(read('package.json')));
  assert.deepEqual(sectionsUnder('To run'), dependencies);
  assert.deepEqual(sectionsUnder('To develop and test'), devDependencies);
  const replaced = Object.values(overrides).flatMap((names) => Object.values(names));
  assert.deepEqual(
    Object.entries(sectionsUnder('Replaced')).map(([name, version]) => `npm:${name}@${version}`),
    replaced,
  );
});

test('every program that Maven, pip or Go downloads has its row with its version', () => {
  const found: Record<string, string> = {};
  for (const pom of POMS) {
    const text = read(pom);
    const own = /<version>([^<]+)</.exec(text)?.[1] ?? '';
    for (const [, dependency = ''] of text.matchAll(/<dependency>(.*?)<\/dependency>/gs)) {
      const of = (tag: string): string => new RegExp(`<${tag}>([^<]+)<`).exec(dependency)?.[1] ?? '';
      found[`${of('groupId')}:${of('artifactId')}`] = of('version').replace(`\${project.version}`, own);
    }
  }
  for (const [, name = '', version = ''] of read('notebooks/requirements.in').matchAll(/^([\w-]+)==(\S+)/gm))
    found[name] = version;
  const [, go = ''] = /VERSION = '([^']+)'/.exec(read('services/temporal-program.ts')) ?? [];
  found['github.com/temporalio/cli'] = go;
  for (const [, name = '', version = ''] of read('test/interop/grafana/go.mod').matchAll(
    /^require (\S+) v(\S+)$/gm,
  ))
    found[name] = version;
  assert.deepEqual(
    sorted(versionsUnder('Of the servers, the test readers and the benchmarks')),
    sorted(found),
  );
});

test('every failure that a workflow raises is on the page of errors', () => {
  const raised = filesIn('workflows').flatMap((path) =>
    [...read(path).matchAll(/ApplicationFailure\.nonRetryable\([^;]*?'([A-Z_]+)',?\s*\)/g)].map(
      ([, code]) => code,
    ),
  );
  const listed = OF_RUNS.map(([code]) => code).filter((code) => code !== 'UNEXPECTED');
  assert.deepEqual([...new Set(raised)].sort(), listed.sort());
});

test('every link within the project has an existing file and heading as its target', () => {
  for (const { path, text } of pages) {
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const found = file === '' ? path : normalize(join(dirname(path), file));
      assert.ok(existsSync(join(ROOT, found)), `${path} links to ${target}, which does not exist`);
      if (anchor !== undefined)
        assert.ok(
          anchorsOf(read(found)).includes(anchor),
          `${path} links to ${target}, which has no such heading`,
        );
    }
  }
});

test('every file has a name that any terminal and file system supports', () => {
  const { status, stdout } = spawnSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' });
  // Without a Git repository there are no tracked files.
  if (status !== 0) return;
  const names = stdout.split('\0').filter((name) => name !== '');
  assert.ok(names.length > 100);
  assert.deepEqual(
    names.filter((name) => !/^[\w./-]+$/.test(name)),
    [],
  );
});

test('docs/architecture.md lists each folder down to the third level, with a line about it', () => {
  const { status, stdout } = spawnSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' });
  // Without a Git repository there are no tracked files.
  if (status !== 0) return;
  const folders = stdout.split('\0').flatMap((file) => {
    const names = file.split('/').slice(0, -1);
    return [1, 2, 3].filter((depth) => depth <= names.length).map((depth) => names.slice(0, depth).join('/'));
  });
  const [, tree = ''] = /<!-- tree -->\s+```text\n(.*?)```/s.exec(read('docs/architecture.md')) ?? [];
  assert.deepEqual(foldersIn(tree), [...new Set(folders)].sort());
});

test('every file and folder that a page names exists', () => {
  for (const { path, text } of pages.filter((page) => page.path !== ABOUT_OTHERS)) {
    for (const span of codeIn(text)) {
      if (!/^(?:[\w.-]+\/)+(?:[\w.-]+\.(?:ts|js|json|yaml|md|xml|txt|py))?$/.test(span)) continue;
      assert.ok(existsSync(join(ROOT, span)), `${path} names ${span}, which does not exist`);
    }
  }
});

test('every npm run, npx tsx and npx pipeline of the pages exists, with its options', async () => {
  const { scripts } = Package.parse(JSON.parse(read('package.json')));
  const program = await loadProgram();
  const helpOf = (words: string): string => commandOf(program, words).helpInformation();
  const commands = [...helpOf('').matchAll(/^ {2}([a-z]+) /gm)].map(([, name = '']) => name);
  assert.ok(commands.includes('start'), 'the list of commands was read');
  for (const { path, text } of pages) {
    for (const piece of codeIn(text)) {
      const [program = '', word = '', name = '', ...more] = piece
        .replace(/^\s*(?:Ask|Prove|Stop)\s+/, '')
        .split(/\s+/);
      if (program === 'npm' && word === 'run')
        assert.ok(name in scripts, `${path}: there is no npm run ${name}`);
      if (program === 'npx' && word === 'tsx')
        assert.ok(existsSync(join(ROOT, name)), `${path}: there is no ${name}`);
      if (program !== 'npx' || word !== 'pipeline' || !/^[a-z]/.test(name)) continue;
      assert.ok(commands.includes(name), `${path}: there is no npx pipeline ${name}`);
      // For a command with subcommands, such as schedule, the options are those of the subcommand.
      const under = new RegExp(`^ {2}${more[0] ?? ''} `, 'm').test(helpOf(name)) ? ` ${more[0] ?? ''}` : '';
      const shown = `${helpOf(name)}${helpOf(name + under)}`;
      for (const option of more.filter((one) => one.startsWith('--')))
        assert.ok(shown.includes(`${option} `), `${path}: pipeline ${name} has no ${option}`);
    }
  }
  const listed = tableUnder('The command line', read('README.md'))
    .map(([cell = '']) => cell)
    .join(' ');
  for (const name of commands.filter((one) => one !== 'help'))
    assert.match(listed, new RegExp(`\\b${name}\\b`), `README.md does not list ${name}`);
});

test('every environment variable that the code reads is on the page of settings', () => {
  const found = new Set<string>();
  for (const path of CODE.flatMap(filesIn).filter((file) => /\.[jt]s$/.test(file))) {
    for (const [, name = ''] of read(path).matchAll(/process\.env\['(\w+)'\]/g)) found.add(name);
    for (const [, name = ''] of read(path).matchAll(/_VARIABLE = '(\w+)'/g)) found.add(name);
  }
  assert.deepEqual([...found].filter((name) => !OF_OTHERS.has(name)).sort(), Object.keys(VARIABLES).sort());
});

/** Returns the paths of the folders that `tree -d` printed, sorted; each line must end with a description. */
function foldersIn(tree: string): string[] {
  const path: string[] = [];
  const found = tree.split('\n').flatMap((line) => {
    const [, indent, name, description] = /^((?:│ {3}| {4})*)[├└]── (\S+)\/ +(\S.*)?$/.exec(line) ?? [];
    if (indent === undefined || name === undefined) return [];
    assert.ok(description, `no description of ${name}/`);
    path.splice(indent.length / 4, Infinity, name);
    return [path.join('/')];
  });
  return found.sort();
}

/** Returns a command by its words, such as `schedule set`; the program itself for none. */
function commandOf(program: Command, words: string): Command {
  return words
    .split(' ')
    .filter((word) => word !== '')
    .reduce((at, word) => at.commands.find((sub) => sub.name() === word) ?? at, program);
}

/** Returns the anchors of a page's headings, as GitHub generates them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
}

function sorted(of: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(of).sort(([one], [other]) => (one < other ? -1 : 1)));
}
