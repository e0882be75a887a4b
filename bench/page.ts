import { formatNumber } from '../model/figures.ts';
import { BENCHES } from './benches/index.ts';
import { isMet, median, type Goal } from './figures.ts';
import type { Result, Results, SideResult } from './result-schema.ts';

const HEAD = `# Benchmarks

\`npm run bench\` writes this page from \`bench/results.json\`; \`npm run bench -- land small\` repeats these two benchmarks. Both sides run in turn on the same machine and against the same servers. Seconds are the median of the runs. Memory is the sum of each process's peak. CPU seconds of our side are those of the worker, Temporal and the client; those of Kafka, the NameNode and the DataNode, which both sides use, are listed separately.

\`npm run bench -- --quick --check\` runs each side once with less data, and fails if a ratio is worse than half of the one here.
`;

/** Why goals are missed or only just reached, and what would help. */
const LIMITS = `## Bottlenecks

**workers**, on one machine: one worker has four batches in progress at once, which keeps two cores busy (see below). A second worker has little CPU time left, and costs the servers more: each of the two reads what the other commits to the tables' logs. At the end of a run both reach their last batches at the same time, which then commit in sequence. More cores would help; two workers are meant for several machines, or to survive the loss of one.

**publish** is only just above its goal, and not at all times: it mostly waits for Kafka and the disk, and varies with them; the worker's CPU time, less than a fifth of the plain loop's, does not. A disk with steadier write latency would help.

**land** is only just above its goal. The profile below shows where the time goes: two cores are nine tenths busy, half of it in JavaScript and WebAssembly. Larger batches would save requests to HDFS, but leave less to do in parallel; with more cores, reading, scanning, writing and landing would each have one.

**forms** was measured while other programs used both cores: the seconds of a side vary by a factor of six, the CPU seconds by less. By these, escapes in every name and text, random order and pretty print are at about 0.8. No form leaves the scan. What they cost is mostly the messages themselves, which \`deliveries\` keeps as they are: pretty print has 1.6 times the bytes, and fields in random order compress worse. Each escape costs about 15 ns. A faster compression of \`deliveries\` would help all three.

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
  return unit === 'times' ? `${value} ×` : `${formatNumber(value)} ${unit}`;
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

function section({ title, about, on, data, attempts, bytes, sides, table, notes, name }: Result): string[] {
  const megabytes = formatNumber(Math.round(bytes / 1e6));
  return [
    `## ${title}`,
    '',
    about,
    '',
    `${formatNumber(attempts)} ${data} attempts, ${megabytes} MB, on ${on}. \`npm run bench -- ${name}\``,
    '',
    ...sidesTable(sides, attempts),
    ...figuresTable(table),
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

function figuresTable(table: Result['table']): string[] {
  if (table === undefined) return [];
  const { columns, rows } = table;
  return [
    row(columns),
    `|${columns.map((_, index) => (index === 0 ? '---' : '---:')).join('|')}|`,
    ...rows.map(row),
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
