import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FetchedBatch } from '../../adapters/kafka/wire/fetched-batch.ts';
import { encodeHeaders, RecordBatch } from '../../adapters/kafka/wire/record-batch.ts';
import { parseSettings } from '../../model/settings.ts';
import transformBatch, { type BatchTask } from '../../steps/transform/batch-worker.ts';
import { MessageWriter } from '../../steps/transform/message-files.ts';
import { fromThreadResult } from '../../steps/transform/thread-result.ts';
import { secondsOf, shown, type Bench } from '../context.ts';
import { readLineBatches } from '../data.ts';
import { ratio, type Goal } from '../figures.ts';
import { mustRun, type Measured } from '../measure.ts';
import { forgetPeak, peakBytes } from '../processes.ts';
import { RENDERINGS, type PlainAttempt } from '../renderings.ts';

const PLAIN = 'plain';
const SOME_INVALID = 'one invalid in a hundred';
const INVALID_EVERY = 100;
const MESSAGES_PER_BATCH = 500;
/** Turns per round, since one transform takes only a second. */
const TURNS = 3;

const MIN_RENDERING_RATIO = 0.8;
const MIN_INVALID_RATIO = 0.85;

/** The messages of a side. */
interface Form {
  readonly name: string;
  readonly render: (attempt: PlainAttempt, index: number) => string;
}

const FORMS: readonly Form[] = [
  { name: PLAIN, render: (attempt) => JSON.stringify(attempt) },
  ...[...RENDERINGS].map(([name, render]) => ({ name, render })),
  {
    name: SOME_INVALID,
    render: (attempt, index) =>
      JSON.stringify(index % INVALID_EVERY === 0 ? { ...attempt, max_attempts: 1.5 } : attempt),
  },
];

/** Measures the transform of the same attempts as different JSON. */
export const formsBench: Bench = {
  name: 'forms',
  title: 'Forms of a record',
  about:
    'The step `transform` alone, from staged messages to Parquet files, in one process: of the attempts as the generator writes them, of ten other renderings of the same attempts (`bench/renderings.ts`), and with one invalid record in a hundred, which is quarantined. Each in turn. The tables are the same; `deliveries` has the bytes of each rendering.',
  needs: [],
  run: async (context) => {
    const { data, folder, quick, rounds, say } = context;
    const lines = await data.file(quick ? 1 : 5, 'lines');
    const root = join(folder, 'forms');
    await mkdir(root);
    const staged = new Map<string, BatchTask>();
    for (const [at, form] of FORMS.entries())
      staged.set(form.name, await stage(join(root, String(at)), form, lines.path));
    const runs = new Map<string, Measured[]>(FORMS.map(({ name }) => [name, []]));
    for (const [name, task] of staged) await transform(name, task);
    for (let turn = 0; turn < rounds * TURNS; turn += 1)
      for (const [name, task] of staged) runs.get(name)?.push(await transform(name, task));
    for (const [name, [run]] of runs) if (run !== undefined) say(`  ${name}: first ${shown(run)}`);
    return {
      attempts: lines.attempts,
      bytes: lines.bytes,
      sides: [...runs].map(([name, measured]) => ({ name, runs: measured })),
      goals: goalsOf(runs),
      notes: notesOf(staged),
    };
  },
};

function goalsOf(runs: ReadonlyMap<string, readonly Measured[]>): Goal[] {
  const plain = secondsOf(runs.get(PLAIN) ?? []);
  return [...runs]
    .filter(([name]) => name !== PLAIN)
    .map(([name, measured]) => ({
      ...{ what: `forms: plain / ${name}`, value: ratio(plain, secondsOf(measured)) },
      ...{ unit: 'times', sense: 'at least' },
      bound: name === SOME_INVALID ? MIN_INVALID_RATIO : MIN_RENDERING_RATIO,
    }));
}

function notesOf(staged: ReadonlyMap<string, BatchTask>): string[] {
  const plain = staged.get(PLAIN)?.staged.bytes ?? NaN;
  const sizes = [...staged].map(([name, task]) => `${name} ${(task.staged.bytes / plain).toFixed(2)}`);
  return [`Bytes of the messages, relative to the plain ones: ${sizes.join(', ')}.`];
}

/** Stages the attempts of a file as messages of one partition. */
async function stage(root: string, { render }: Form, file: string): Promise<BatchTask> {
  await mkdir(join(root, 'batch'), { recursive: true });
  const writer = await MessageWriter.create(join(root, 'batch'), [0]);
  let messages = 0;
  for await (const lines of readLineBatches(file, MESSAGES_PER_BATCH)) {
    const records = new RecordBatch();
    for (const [at, line] of lines.entries()) {
      const attempt = JSON.parse(line.toString()) as PlainAttempt;
      records.add({
        key: null,
        value: Buffer.from(render(attempt, messages + at)),
        headers: encodeHeaders([]),
      });
    }
    const sealed = Buffer.from(records.seal({ id: 1n, epoch: 0, firstSequence: messages }, 1));
    // The broker's part: the first offset.
    sealed.writeBigInt64BE(BigInt(messages));
    const to = messages + lines.length;
    const batches = [new FetchedBatch(sealed, 'forms/0')];
    await writer.add({ partition: 0, batches, from: BigInt(messages), to: BigInt(to) });
    messages = to;
  }
  await writer.close();
  const ranges = [{ partition: 0, start: '0', end: String(messages) }];
  return {
    settings: parseSettings('sources: { bench: { topic: forms } }', 'forms'),
    suppressed: new Map(),
    root,
    messages: join(root, 'batch'),
    staged: { batch: { topic: 'forms', ranges }, path: 'batch', messages, bytes: writer.bytes, gaps: 0 },
    folder: 'tables',
    ingestedOn: '2026-01-31',
  };
}

/** Transforms the messages; throws if not exactly the invalid ones are quarantined. */
async function transform(name: string, task: BatchTask): Promise<Measured> {
  const tables = join(task.root, task.folder);
  await mkdir(tables);
  forgetPeak(process.pid);
  const before = process.cpuUsage();
  const began = performance.now();
  const { landed, quarantined } = fromThreadResult(await transformBatch(task));
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  const peak = mustRun('the bench', peakBytes(process.pid));
  await rm(tables, { recursive: true });
  const { messages } = task.staged;
  const invalid = name === SOME_INVALID ? Math.ceil(messages / INVALID_EVERY) : 0;
  if (quarantined !== invalid || landed !== messages - invalid)
    throw new Error(`${name}: of ${messages} messages ${landed} landed and ${quarantined} are quarantined`);
  return { seconds, cpuSeconds: (user + system) / 1e6, peakBytes: peak, servers: null };
}
