import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { CommanderError, type Command } from 'commander';
import { EXIT } from '../../client/cli/exit.ts';
import { streamOutput, writeBytes } from '../../client/cli/output/streams.ts';
import { listCommands, loadProgram, type ListedCommand } from '../../client/cli/program.ts';
import { showQuarantined } from '../../client/quarantine/show.ts';
import { newestRuns, type TimeSpan } from '../../client/runs/runs.ts';
import { runPipelineCommand } from '../support/harness.ts';

const program = await loadProgram();

/** Every command and subcommand, by its arguments. */
const commands = commandsUnder(program, ['pipeline']);

function commandsUnder(command: Command, path: string[]): { path: string; command: Command }[] {
  const own = { path: path.join(' '), command };
  return [own, ...command.commands.flatMap((sub) => commandsUnder(sub, [...path, sub.name()]))];
}

/** Returns the help as printed, with its additions. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (piece) => (text += piece) });
  command.outputHelp();
  return text;
}

function examplesOf(command: Command): string[] {
  const [, examples = ''] = helpOf(command).split('\nExamples:\n');
  return [...examples.matchAll(/^ {2}(pipeline .+)$/gm)].map(([, example = '']) => example);
}

/** Splits an example into arguments as a shell does; leaves out redirections. */
function wordsOf(example: string): string[] {
  const words = [...example.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const redirection = words.findIndex((word) => /^[<>]/.test(word));
  return words.slice(1, redirection === -1 ? undefined : redirection);
}

/** Parses a command line without running it; returns the command and its arguments. */
async function parse(words: readonly string[]): Promise<string> {
  const fresh = await loadProgram(words);
  let called = '';
  for (const { path, command } of commandsUnder(fresh, ['pipeline'])) {
    if (command.commands.length === 0) command.action(() => void (called = path));
  }
  await fresh.parseAsync(words, { from: 'user' });
  // The value of --config applies to the command of this call only.
  delete process.env['PIPELINE_CONFIG'];
  return called;
}

test('the help is the same where the commands are only listed', async () => {
  const listed = (): ListedCommand[] => listCommands(program);
  assert.equal(helpOf(await loadProgram([], listed)), helpOf(await loadProgram()));
  await assert.rejects(
    async () => (await loadProgram(['statu'], listed)).parseAsync(['statu'], { from: 'user' }),
    {
      message: /unknown command 'statu'\n\(Did you mean status\?\)/,
    },
  );
});

test('the command line has the commands that its help lists', () => {
  assert.ok(commands.length > 15, 'the commands were read');
  assert.match(helpOf(program), /^ {2}list \[options\]/m);
});

for (const { path, command } of commands) {
  test(`${path} has a description and valid examples`, async () => {
    assert.match(command.description(), /^[A-Z].*\.$/s);
    for (const option of command.options) assert.ok(option.description, `${option.flags} says what it does`);
    for (const argument of command.registeredArguments) assert.ok(argument.description, argument.name());
    const examples = examplesOf(command);
    assert.ok(examples.length > 0, 'it has no example');
    for (const example of examples) {
      const called = await parse(wordsOf(example));
      assert.notEqual(called, '', `${example} calls a command`);
    }
    const about = examples.some((example) => example === path || example.startsWith(`${path} `));
    assert.ok(about, 'one of its examples is its own');
  });
}

test('the help explains the exit codes', () => {
  for (const code of Object.values(EXIT)) assert.match(helpOf(program), new RegExp(`^  ${code}  \\S`, 'm'));
});

test('the test finds an invalid example', async () => {
  await assert.rejects(parse(['list', '--states', 'waiting']), CommanderError);
  await assert.rejects(parse(['lists']), CommanderError);
});

const WRONG: readonly (readonly [words: string, says: RegExp])[] = [
  ['list --limit abc', /'--limit <n>' argument 'abc' is invalid. It must be a whole number from 1 to 10000/],
  ['list --limit 0', /from 1 to/],
  ['list --limit 1.5', /from 1 to/],
  ['list --limit -3', /from 1 to/],
  ['list --limit 1e3', /from 1 to/],
  ['list --state sleeping', /Allowed choices are running, waiting, completed, failed,/],
  ['list --since yesterday', /a day such as 2026-01-31, or a time .* or how long ago, such as 15m/],
  ['list --source nobody', /^SOURCE_UNKNOWN: .*"nobody"; the sources are: pearson, given$/m],
  ['list one', /too many arguments/],
  ['start nobody', /^SOURCE_UNKNOWN: .*the sources are: pearson/],
  ['start pearson --from yesterday', /'yesterday' is invalid. It must be a day/],
  ['report --time-zone +02:00', /'\+02:00' is invalid. It must be a time zone’s name/],
  ['report --time-zone Europe/Atlantis', /'Europe\/Atlantis' is invalid/],
  ['start pearson --from 2026-02-30', /'2026-02-30' is invalid/],
  ['start pearson --to 2026-01-31', /the url of source pearson has no \{to\}: leave out --to/],
  ['start', /missing required argument 'source'/],
  ['status --limit 3', /unknown option '--limit'/],
  ['retry', /missing required argument 'run'/],
  ['answers --source nobody', /^SOURCE_UNKNOWN/],
  ['tables nothing', /^TABLE_UNKNOWN: .*there are: quarantine, attempts,/],
  ['schedule set pearson', /^SCHEDULE_INVALID: give one of --every/],
  ['schedule set pearson --every soon', /^SCHEDULE_INVALID: --every "soon"/],
  ['schedule set nobody --every 1h', /^SOURCE_UNKNOWN/],
  ['schedule backfill pearson --from 2026-01-01', /'--to <time>' not specified/],
  ['schedule backfill pearson --from 1 --to 2', /'1' is invalid. It must be a day/],
  ['schedule backfill pearson --from 2026-01-01 --to 2026-01-02 --part 501', /whole number from 1 to 500/],
  ['schedule lst', /unknown command 'lst'\n\(Did you mean list\?\)/],
  ['lst', /unknown command 'lst'\n\(Did you mean list\?\)/],
  ['--config nothing.yaml list', /^SETTINGS_INVALID: .*nothing\.yaml/],
];

test('invalid arguments exit with 2, name what is allowed and where to read more, and print no help', async () => {
  for (const [words, says] of WRONG) {
    const { code, stdout, stderr } = await runPipelineCommand(words.split(' '), {});
    assert.equal(code, EXIT.usage, `${words}: ${stderr}`);
    assert.match(stderr, says, words);
    assert.match(stderr, /^[A-Z_]+: /, words);
    assert.doesNotMatch(stderr, /\n +at |Usage:/, words);
    assert.equal(stdout, '', words);
  }
});

test('with --json, an error is the last line of standard error, as JSON', async () => {
  const { code, stdout, stderr } = await runPipelineCommand(['list', '--limit', 'abc', '--json'], {});
  assert.equal(code, EXIT.usage);
  assert.equal(stdout, '');
  const { message, ...rest } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '') as { message: string };
  assert.deepEqual(rest, { code: 'USAGE_INVALID', advice: 'See: pipeline COMMAND --help' });
  assert.match(message, /'abc' is invalid/);
});

test('without a command, the help is shown on standard error, and the exit code is 2', async () => {
  for (const words of [[], ['schedule']]) {
    const { code, stdout, stderr } = await runPipelineCommand(words, {});
    assert.equal(code, EXIT.usage);
    assert.equal(stdout, '');
    assert.match(stderr, /^Usage: pipeline/);
  }
});

test('an unreachable server exits with 1', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'command-line-test-'));
  const settings = join(folder, 'pipeline.yaml');
  await writeFile(settings, 'temporal: { address: "127.0.0.1:1" }\nsources: { one: { topic: one } }\n');
  const { code, stderr } = await runPipelineCommand(['list'], { PIPELINE_CONFIG: settings });
  await rm(folder, { recursive: true });
  assert.equal(code, EXIT.failed, stderr);
  assert.match(stderr, /^TEMPORAL_UNREACHABLE: Temporal at 127\.0\.0\.1:1: /);
});

test('binary output is not written to a terminal', async () => {
  const { isTTY } = process.stdout;
  process.stdout.isTTY = true;
  try {
    await assert.rejects(showQuarantined('attempts/0/0', { raw: true }), {
      code: 'USAGE_INVALID',
      message: /^--raw writes raw bytes, .* redirect them to a file or a pipe$/,
    });
    await assert.rejects(writeBytes(Buffer.from('raw')), /^TypeError: a terminal would interpret/);
    await assert.rejects(streamOutput(Readable.from(['raw']), { exact: true }), /a terminal would interpret/);
  } finally {
    process.stdout.isTTY = isTTY;
  }
});

test('output is never coloured, whatever the environment', async () => {
  const { stdout } = await runPipelineCommand(['tables', 'attempts'], { FORCE_COLOR: '3' });
  assert.match(stdout, /keen_id/);
  assert.ok(!stdout.includes('\u001B'), 'there is a control code');
});

test('the newest runs are those that started last, in any order of their ends', async () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const runs = someRuns(seed);
    const limit = 1 + (seed % 7);
    const started = (of: readonly TimeSpan[]): number[] => of.map(({ startTime }) => startTime.getTime());
    const expected = started(runs).sort((one, other) => other - one);
    assert.deepEqual(
      started(await newestRuns(listed(runs), limit)),
      expected.slice(0, limit),
      `seed ${seed}`,
    );
  }
});

test('not all runs are read to find the newest', async () => {
  let read = 0;
  async function* counted(): AsyncGenerator<TimeSpan> {
    for (let at = 10_000; at > 0; at -= 1) {
      read += 1;
      yield await Promise.resolve({ startTime: new Date(at * 10), closeTime: new Date(at * 10 + 5) });
    }
  }
  await newestRuns(counted(), 20);
  assert.ok(read <= 21, `${read} were read`);
});

/** Runs that start at different times and last differently; some are open. */
function someRuns(seed: number): TimeSpan[] {
  return Array.from({ length: 20 }, (_, at) => {
    const mixed = (seed * 7919 + at * 104_729) % 9973;
    const startTime = new Date(at * 100);
    const closeTime = mixed % 4 === 0 ? undefined : new Date(at * 100 + (mixed % 1500));
    return closeTime === undefined ? { startTime } : { startTime, closeTime };
  });
}

/** Lists runs as Temporal does. */
async function* listed(runs: readonly TimeSpan[]): AsyncGenerator<TimeSpan> {
  const end = ({ closeTime }: TimeSpan): number => closeTime?.getTime() ?? Infinity;
  yield* [...runs].sort((one, other) =>
    end(one) === end(other)
      ? other.startTime.getTime() - one.startTime.getTime()
      : end(other) > end(one)
        ? 1
        : -1,
  );
  await Promise.resolve();
}
