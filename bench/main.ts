/** `npm run bench`: compares the pipeline with its peers; see `--help`. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../model/errors.ts';
import { startStack, type Stack } from '../services/stack.ts';
import { onPath } from '../services/tools.ts';
import { BENCHES } from './benches/index.ts';
import type { Bench, Context } from './context.ts';
import { Data } from './data.ts';
import { isMet, regressions } from './figures.ts';
import { machine, versions } from './machine.ts';
import type { Result } from './result-schema.ts';
import { merged, readResults, resultOf, writeResults } from './results.ts';
import { Topics } from './topics.ts';

const USAGE = `Measures the pipeline beside its peers, and writes docs/benchmarks.md.

  npm run bench -- [NAME…] [--quick] [--check] [--data FILE] [--days N]

  NAME         these benches alone; the others keep their results. Two run only where they are named:
               kafka-clients, which installs two other Kafka clients from npm and may have to compile one;
               and month, which takes about three hours
  --quick      each side once, over less data; writes nothing
  --check      compares the ratios with the documented ones, and ends with 1 where one is worse than half of
               that; writes nothing
  --data FILE  a gzipped JSON array of attempts instead of generated ones
  --days N     the number of simulated days of the bench month, 30 by default

The benches: `;
const ROUNDS = 3;

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    data: { type: 'string' },
    days: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

try {
  await main();
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  if (options.help) {
    say(`${USAGE}${BENCHES.map(({ name }) => name).join(', ')}`);
    return;
  }
  const benches = chosen();
  const results: Result[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'pipeline-bench-'));
  let stack: Stack | undefined;
  try {
    const data = await Data.open(options.data);
    stack = await startStack({
      folder: join(folder, 'services'),
      ports: 'free',
      progress: say,
      // A rival sends a User-Agent without the header against cross-site requests, and would be refused.
      hdfs: { 'dfs.webhdfs.rest-csrf.enabled': 'false' },
    });
    // The tests' harness, which runs the benches' pipelines, reads the servers' addresses here.
    process.env['PIPELINE_TEST_TEMPORAL'] = stack.temporal.address;
    process.env['PIPELINE_TEST_KAFKA'] = stack.kafka.brokers.join(',');
    process.env['PIPELINE_TEST_HDFS'] = stack.hdfs.nameNodeHttp;
    const rounds = options.quick ? 1 : ROUNDS;
    const topics = new Topics(stack, folder);
    const days = daysOf(options.days);
    const context: Context = { stack, data, topics, folder, quick: options.quick, ...days, rounds, say };
    for (const bench of benches) {
      say(`\n== ${bench.name}: ${bench.title}`);
      const result = resultOf(bench, await bench.run(context), data.origin);
      tell(result);
      results.push(result);
    }
  } finally {
    await stack?.stop();
    await rm(folder, { recursive: true, force: true });
  }
  if (options.check) check(results);
  if (options.check || options.quick) return;
  await writeResults(merged(readResults(), { machine: machine(), versions: versions(), benches: results }));
  say('\nwritten to bench/results.json and docs/benchmarks.md');
}

function daysOf(option: string | undefined): Pick<Context, 'days'> {
  if (option === undefined) return {};
  const days = Number(option);
  if (!Number.isInteger(days) || days < 1)
    throw new Error(`--days is a whole number from 1 on, not ${option}`);
  return { days };
}

/** Returns the requested benches; reports and leaves out those that need a missing tool. */
function chosen(): Bench[] {
  if (!existsSync('/proc/self/stat')) throw new Error('The benches read processor times from Linux’s /proc.');
  const unknown = names.find((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown !== undefined)
    throw new Error(`There is no bench ${unknown}; there are ${BENCHES.map(({ name }) => name).join(', ')}.`);
  return BENCHES.filter(({ name, needs, isOptional = false }) => {
    if (names.length > 0 ? !names.includes(name) : isOptional) return false;
    const missing = needs.find((tool) => onPath(tool) === undefined);
    if (missing !== undefined) say(`${name} is left out: there is no ${missing} on the PATH`);
    return missing === undefined;
  });
}

function tell({ goals, notes }: Result): void {
  for (const goal of goals) {
    const { what, value, unit, sense, bound } = goal;
    const asked =
      bound === null ? '' : `, ${sense} ${bound} is the goal${isMet(goal) ? '' : ': NOT REACHED'}`;
    say(`  ${what}: ${value} ${unit}${asked}`);
  }
  for (const note of notes) say(`  ${note}`);
}

/** Fails where a documented ratio has become much worse. */
function check(results: readonly Result[]): void {
  const kept = readResults()?.benches ?? [];
  const worse = results.flatMap((result) => {
    const before = kept.find(({ name }) => name === result.name);
    if (before === undefined) say(`${result.name}: nothing documented to compare with`);
    return regressions(result.goals, before?.goals ?? []);
  });
  for (const line of worse) say(`WORSE  ${line}`);
  if (worse.length > 0) process.exitCode = 1;
  else say('\nno ratio is much worse than documented');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
