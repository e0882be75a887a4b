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

**land**, in time: Spark’s job reads, parses and writes. Ours does so too, and besides it checks each field of each message, of which Spark makes null where it is wrong; stages each batch, so that a step that is tried again need not read Kafka again; writes the messages as they came, a fourth table; holds the values that it counted against those in the files; and commits. The profile, below, shows where the time goes, and that most of what two processors can do in it is done: what would make it shorter is less work, and no more of it at once.

- To take the messages apart is the largest piece, in JavaScript, a value at a time. Native code that looks at many bytes at once would lift it.
- Each message is an object and some views of memory, twice: when it is taken apart, and when DuckDB gets it as it came. To do with fewer would spare V8 a part of its looking for garbage, for which it has threads of its own.
- Each batch costs something besides its messages: its activities, its files’ and commits’ requests to HDFS, a DuckDB of its own. Larger batches spare a part of it, and leave less to be done side by side.
- Of more than two processors, reading, taking apart, writing and landing would each have its own.

**workers**, on one machine: one worker has four batches in work at once, and so keeps two processors busy by itself. A second one has nothing left to use, and V8 makes its code fast once more in it, which costs more processor time than the first alone takes. They are for more machines, or for one that is lost.

**commits**, the first plan of a new worker: with long logs it has each table’s checkpoint to read, and loads DuckDB’s native code for that, where it has short ones to read without. That is a part of a second, once in the life of a worker. To load DuckDB as a worker starts would move it there, and cost its memory in one that only fetches and publishes.

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
