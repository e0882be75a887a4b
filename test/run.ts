/**
 * Runs all tests: the checks of the code, the unit tests (on other Node versions too), and the rest against real
 * servers, which it starts on free ports. `npm test -- unit integration` runs only these parts, `npm test --
 * faults/commit` one file of a part.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { startStack, type Stack } from '../services/stack.ts';
import { BUNDLE_VARIABLE, bundleWorkflows } from '../worker/workflow-code.ts';
import { ensureChromium } from './ui/chromium.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OTHER_NODES = ['22', '24', '26'];
/** Timeout of a test, so that one that hangs fails. A whole file counts as a test here too. */
const TEST_TIMEOUT_MS = 900_000;
/** Characters of a program's output that are kept, from its end. */
const OUTPUT_KEPT = 100_000;
/** Characters of a part's failures that are repeated at the end. */
const FAILURES_SHOWN = 6_000;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface Part {
  readonly name: string;
  readonly run: (env: Record<string, string>) => Promise<Counts>;
  readonly needsServers?: boolean;
}

/**
 * The parts in order; those of one row run at the same time. The files of `integration` and `faults` mostly wait for
 * servers and timeouts, so several run at once.
 */
const ROWS: readonly (readonly Part[])[] = [
  [{ name: 'check', run: runChecks }],
  [{ name: 'unit', run: (env) => runFolder('unit', { concurrency: 2, env }) }],
  [{ name: 'nodes', run: runOtherNodes }],
  [{ name: 'demo', run: (env) => runFolder('demo', { concurrency: 1, env }) }],
  [
    {
      name: 'integration',
      needsServers: true,
      run: (env) => runFolder('integration', { concurrency: 3, env }),
    },
  ],
  [{ name: 'faults', needsServers: true, run: (env) => runFolder('faults', { concurrency: 4, env }) }],
  [
    { name: 'ui', needsServers: true, run: runUi },
    { name: 'interop', needsServers: true, run: (env) => runFolder('interop', { concurrency: 1, env }) },
  ],
];
const PARTS = ROWS.flat();

const wanted = process.argv.slice(2).map((word) => {
  const [part = '', file] = word.split('/');
  return { part, file };
});
const unknown = wanted.map(({ part }) => part).find((name) => !PARTS.some((part) => part.name === name));
if (unknown !== undefined) {
  say(`unknown part ${unknown}; the parts are ${PARTS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
/** Failures reported by the test runner, per part. */
const failures: string[] = [];
const before = untrackedFiles();
const total = await runRows(
  ROWS.map((row) =>
    row.filter(({ name }) => wanted.length === 0 || wanted.some(({ part }) => part === name)),
  ),
);
const left = untrackedFiles().filter((file) => !before.includes(file));
// During development, new files may be intended.
if (process.env['CI'] === 'true' && left.length > 0) {
  failures.push(`the tests left files in the project's folder: ${JSON.stringify(left)}`);
  total.failed += 1;
}
// Repeated, since a part that failed may be thousands of lines above.
for (const failure of failures) say(`\n${failure}`);
if (total.skipped > 0) say(`${total.skipped} tests were skipped, see above`);
say(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;

async function runRows(rows: readonly (readonly Part[])[]): Promise<Counts> {
  const sum: Counts = { passed: 0, failed: 0, skipped: 0 };
  const folder = await mkdtemp(join(tmpdir(), 'pipeline-tests-'));
  // Bundled once for all the workers that tests start.
  const bundle = join(folder, 'workflows.js');
  let stack: Stack | undefined;
  try {
    for (const row of rows) {
      if (stack === undefined && row.some(({ needsServers }) => needsServers === true)) {
        stack = await startStack({ folder: join(folder, 'services'), ports: 'free', progress: say });
        await bundleWorkflows(bundle);
      }
      const ofServers = stack && { ...addressesOf(stack), [BUNDLE_VARIABLE]: bundle };
      const counts = await Promise.all(row.map((part) => runPart(part, ofServers ?? {})));
      for (const one of counts) add(sum, one);
    }
  } finally {
    await stack?.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return sum;
}

/** Runs a part, and reports its duration. */
async function runPart({ name, run }: Part, env: Record<string, string>): Promise<Counts> {
  const began = Date.now();
  say(`\n== ${name}`);
  const counts = await run(env);
  say(`== ${name}: ${Math.round((Date.now() - began) / 1000)} s`);
  return counts;
}

function addressesOf(stack: Stack): Record<string, string> {
  return {
    PIPELINE_TEST_TEMPORAL: stack.temporal.address,
    PIPELINE_TEST_TEMPORAL_UI: stack.temporal.uiUrl,
    PIPELINE_TEST_KAFKA: stack.kafka.brokers.join(','),
    PIPELINE_TEST_HDFS: stack.hdfs.nameNodeHttp,
    PIPELINE_TEST_DEFAULT_FS: stack.hdfs.defaultFs,
  };
}

/** Runs the checks of `npm run check` at the same time; each counts as a test. */
async function runChecks(): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const checks = [
    ['tsc', '--noEmit'],
    ['eslint', '.'],
    ['prettier', '--check', '--log-level', 'warn', '.'],
    ['tsx', 'scripts/check-words.ts'],
    ['tsx', 'scripts/check-exports.ts'],
  ];
  const runs = checks.map(async ([program = '', ...words]) => {
    const { code, output } = await runProgram(join(ROOT, 'node_modules/.bin', program), words, {});
    const command = [program, ...words].join(' ');
    say(`${code === 0 ? '✔' : '✖'} ${command}`);
    if (code === 0) {
      counts.passed += 1;
      return;
    }
    counts.failed += 1;
    failures.push(`== check: ✖ ${command}\n${output.slice(-FAILURES_SHOWN)}`);
  });
  await Promise.all(runs);
  return counts;
}

async function runFolder(
  folder: string,
  options: { concurrency: number; env: Record<string, string> },
): Promise<Counts> {
  const words = ['--import', 'tsx', ...testWords(options.concurrency), ...filesOf(folder)];
  return countsOf(await runProgram(process.execPath, words, options.env), folder);
}

/**
 * Runs the unit tests on other versions of Node, which strip the types themselves. A version that can't be installed is
 * reported and counted as skipped.
 */
async function runOtherNodes(): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const version of OTHER_NODES) {
    // The Node package installs its binary by a script; npx installs it into its own cache.
    const npx = ['--yes', '--ignore-scripts=false', '-p', `node@${version}`];
    const found = await runProgram('npx', [...npx, 'node', '--version'], {});
    if (found.code !== 0 || !found.output.includes(`v${version}.`)) {
      say(`Node ${version} cannot be installed here, so the unit tests did not run on it`);
      counts.skipped += 1;
      continue;
    }
    add(
      counts,
      countsOf(
        await runProgram('npx', [...npx, 'node', ...testWords(2), ...filesOf('unit')], {}),
        `node ${version}`,
      ),
    );
  }
  return counts;
}

/** Runs the tests of the Temporal UI in a real browser. Without one they are reported and counted as skipped. */
async function runUi(env: Record<string, string>): Promise<Counts> {
  const missing = await ensureChromium(say);
  if (missing === undefined) return runFolder('ui', { concurrency: 1, env });
  say(missing);
  return { passed: 0, failed: 0, skipped: filesOf('ui').length };
}

function testWords(concurrency: number): string[] {
  return [
    ...['--test', '--test-reporter=spec'],
    ...[`--test-concurrency=${concurrency}`, `--test-timeout=${TEST_TIMEOUT_MS}`],
  ];
}

function filesOf(folder: string): string[] {
  const path = join(ROOT, 'test', folder);
  if (!existsSync(path)) return [];
  const files = wanted.flatMap(({ part, file }) => (part === folder && file !== undefined ? [file] : []));
  return readdirSync(path)
    .filter((name) => name.endsWith('.test.ts'))
    .filter((name) => files.length === 0 || files.includes(name.slice(0, -'.test.ts'.length)))
    .sort()
    .map((name) => join('test', folder, name));
}

interface Ended {
  readonly code: number;
  readonly output: string;
}

async function runProgram(
  program: string,
  words: readonly string[],
  env: Record<string, string>,
): Promise<Ended> {
  const child = spawn(program, words, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const pass = (stream: Readable, to: NodeJS.WriteStream): void => {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      to.write(piece);
      output = (output + piece).slice(-OUTPUT_KEPT);
    });
  };
  pass(child.stdout, process.stdout);
  pass(child.stderr, process.stderr);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? 1, output };
}

/** Parses the summary of Node's test runner. A run without any counts has failed. */
function countsOf({ code, output }: Ended, name: string): Counts {
  const last = (word: string): number =>
    Number([...output.matchAll(new RegExp(`^\\S+ ${word} (\\d+)$`, 'gm'))].at(-1)?.[1] ?? 0);
  const counts = { passed: last('pass'), failed: last('fail') + last('cancelled'), skipped: last('skipped') };
  const failed = output.lastIndexOf('✖ failing tests:');
  if (failed >= 0) failures.push(`== ${name}: ${output.slice(failed, failed + FAILURES_SHOWN)}`);
  if (code !== 0 && counts.failed === 0) {
    failures.push(`== ${name}: the test runner exited with ${code}`);
    counts.failed = 1;
  }
  return counts;
}

/** Returns files that Git neither tracks nor ignores; none without Git. */
function untrackedFiles(): string[] {
  const words = ['ls-files', '-z', '--others', '--exclude-standard'];
  const { status, stdout } = spawnSync('git', words, { cwd: ROOT, encoding: 'utf8' });
  return status === 0 ? stdout.split('\0').filter((name) => name !== '') : [];
}

function add(sum: Counts, counts: Counts): void {
  sum.passed += counts.passed;
  sum.failed += counts.failed;
  sum.skipped += counts.skipped;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
