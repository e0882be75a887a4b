import { formatNumber } from '../model/figures.ts';
import { BENCHES } from './benches/index.ts';
import { isMet, median, type Goal } from './figures.ts';
import type { Result, Results, SideResult } from './result-schema.ts';

const HEAD = `# Benchmarks

Made by \`npm run bench\` from \`bench/results.json\`; \`npm run bench -- land small\` measures these two again. Both sides run in turns on the same machine and against the same servers. Each figure is the median of the runs, and the memory the most that was in use at once of each process, added up. Seconds of processor time of ours are those of the worker, of Temporal and of the client; those of Kafka, the NameNode and the DataNode, which both sides use, stand beside.

\`npm run bench -- --quick --check\` runs each side once over less data, and fails where a ratio is worse than half of the one here.
`;

/** Reasons that goals are missed or barely met, and what would help. */
const LIMITS = `## What holds it back

**workers**, on one machine: one worker has four batches in work at once, and so keeps two processors busy by itself; how busy, is told below. A second one has little left to use, and costs the servers more: of each table’s log, each of the two reads what the other one committed. At the end of a run both come to their last batches at once, which land one after the other. A machine with more processors would lift it; two workers are for more machines, or for one that is lost.

**publish** is above its goal by little, and not in every hour: its time is mostly spent waiting for Kafka and for the disk, and differs with them; the processor time of the worker, less than a fifth of the plain loop’s, does not. A disk that writes more evenly would lift it.

**land** is above its goal by little. The profile, below, shows where the time goes: two processors are nine tenths busy, half of it in JavaScript and WebAssembly. Larger batches would spare requests to HDFS and leave less to be done side by side; of more than two processors, reading, taking apart, writing and landing would each have its own.

`;

/** Returns the page of the results. */
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
