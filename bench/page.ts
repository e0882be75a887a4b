import { formatNumber } from '../model/figures.ts';
import { BENCHES } from './benches/index.ts';
import { isMet, median, type Goal } from './figures.ts';
import type { Result, Results, SideResult } from './results.ts';

const HEAD = `# Benchmarks

Made by \`npm run bench\` from \`bench/results.json\`; \`npm run bench -- land small\` measures these two anew. Both sides run in turns on the same machine and against the same servers. Each figure is the median of the runs, and the memory the most that was in use at once of each process, added up. Seconds of processor time of ours are those of the worker, of Temporal and of the client; those of Kafka, the NameNode and the DataNode, which both sides use, stand beside.

\`npm run bench -- --quick --check\` runs each side once over less data, and fails where a ratio is worse than half of the one here.
`;

/** Why the goals that are not reached are not, and what would lift them. */
const LIMITS = `## What holds the rest back

**land**, in time and in processor time: Spark’s job reads, parses and writes. Ours does so too, and besides it checks each field of each message, of which Spark makes null where it is wrong; stages each batch, so that a step that is tried again need not read Kafka again; writes the messages as they came, a fourth table; holds the values that it counted against those in the files; and commits. The profile, below, shows where the time goes: half of it and more is DuckDB’s parsing and writing, in native code, and the rest one thread of JavaScript, in which the handing over to DuckDB, value by value, and the check take most. Were JavaScript to take nothing, what DuckDB, the disks’ threads, Temporal and the servers take would still fill two processors for as long as the profile says.

- A check and a parser of attempts in native code, which fill the columns of Parquet themselves, would lift it: they would spare the handing over, the scan and DuckDB’s parsing.
- Each batch costs something besides its messages: its activities, its files’ and commits’ requests to HDFS, a DuckDB of its own. Larger batches would spare some of it, with more memory than the goal of the largest bench leaves; so would a DuckDB that stays open from batch to batch, which holds on to more memory still.
- To hand messages over many in one value spares JavaScript what it then costs DuckDB to split them, so it was left.
- DuckDB has one batch at a time, since each takes several times its size in memory there; so a part of the second processor is idle. More processors help without that, since batches are read, transformed and landed side by side.

**feed** is fetch, publish and land one after the other, and so comes and goes with how land does: in some runs of the bench it is over its goal, in others under it. A run lands what it published once all of it is published; to land the first chunks meanwhile would fill the processors while publish waits for Kafka.
`;

/** The page of the results. */
export function benchmarksPage(results: Results): string {
  const order = BENCHES.map(({ name }) => name);
  const benches = results.benches.toSorted(
    (one, other) => order.indexOf(one.name) - order.indexOf(other.name),
  );
  return [HEAD, ...goalsTable(benches), LIMITS, ...machineLines(results), ...benches.flatMap(section)].join(
    '\n',
  );
}

function goalsTable(benches: readonly Result[]): string[] {
  const rows = benches
    .flatMap(({ goals }) => goals)
    .map((goal) => row([goal.what, valueOf(goal.value, goal), boundOf(goal), verdictOf(goal)]));
  return ['## Goals', '', row(['what', 'found', 'goal', 'reached']), '|---|---:|---:|---|', ...rows, ''];
}

function verdictOf(goal: Goal): string {
  if (goal.bound === null) return '';
  return isMet(goal) ? 'yes' : '**no**';
}

function boundOf({ sense, bound, unit }: Goal): string {
  return bound === null ? '' : `${sense} ${valueOf(bound, { unit })}`;
}

function valueOf(value: number, { unit }: Pick<Goal, 'unit'>): string {
  return unit === 'times' ? `${value} ×` : `${formatNumber(value)} MiB`;
}

function machineLines({ machine, versions }: Results): string[] {
  const { processor, cores, memoryGibibytes } = machine;
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    '## The machine',
    '',
    `${processor}, ${cores} cores, ${memoryGibibytes} GiB of memory. ${named.join(', ')}.`,
    '',
  ];
}

function section({ title, about, on, data, attempts, bytes, sides, notes, name }: Result): string[] {
  const megabytes = formatNumber(Math.round(bytes / 1e6));
  return [
    `## ${title}`,
    '',
    about,
    '',
    `${formatNumber(attempts)} ${data} attempts, ${megabytes} MB, on ${on}. \`npm run bench -- ${name}\``,
    '',
    ...sidesTable(sides, attempts),
    ...notes.map((note) => `- ${note}`),
    '',
  ];
}

function sidesTable(sides: readonly SideResult[], attempts: number): string[] {
  if (sides.length === 0) return [];
  return [
    row([
      ...['side', 'seconds', 'of each run', 'attempts/s', 'CPU s', 'Kafka CPU s', 'NameNode CPU s'],
      ...['DataNode CPU s', 'peak MiB'],
    ]),
    '|---|---:|---|---:|---:|---:|---:|---:|---:|',
    ...sides.map((side) => sideRow(side, attempts)),
    '',
  ];
}

function sideRow(
  { name, seconds, cpuSeconds, servers, peakMebibytes }: SideResult,
  attempts: number,
): string {
  const middle = median(seconds);
  return row([
    name,
    middle.toFixed(2),
    seconds.map((one) => one.toFixed(2)).join(', '),
    formatNumber(Math.round(attempts / middle)),
    ...[cpuSeconds, servers?.kafka, servers?.namenode, servers?.datanode].map(
      (value) => value?.toFixed(2) ?? '',
    ),
    formatNumber(peakMebibytes),
  ]);
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
