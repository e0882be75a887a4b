import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { EraseResult } from '../../model/erasure.ts';
import { formatBytes, formatNumber } from '../../model/figures.ts';
import { TABLES } from '../../tables/index.ts';
import { dataNodeAddress } from '../../test/support/faulty-hdfs.ts';
import { ROOT, TestPipeline, type TestWorker } from '../../test/support/harness.ts';
import { shown, type Bench, type Context } from '../context.ts';
import { readLineBatches, type DataFile } from '../data.ts';
import { runMeasured, ServersMeter, type Measured } from '../measure.ts';
import { cpuSeconds, forgetPeak } from '../processes.ts';

const SOURCE = 'customer';
const KEY_VARIABLE = 'PIPELINE_BENCH_ERASURE_KEY';
const KEY = 'a secret key of the benches, 32 bytes or more';
const PERSONS = 1000;
const LINES_AT_ONCE = 1000;

/** Measures an erasure in a large warehouse. */
export const eraseBench: Bench = {
  name: 'erase',
  title: 'Erasing a thousand persons',
  about: `A warehouse of ten times the usual size, in which each copy of the attempts has users of its own. \`erase\` of ${formatNumber(PERSONS)} persons, evenly distributed over the topic, from the start of the command to its result: CPU seconds are those of the worker, memory is the worker's. Then \`erase --check\`, which decodes all that is left, in the tables, HDFS and Kafka, and must find the persons in Kafka alone.`,
  needs: [],
  run: async (context) => {
    const { data, topics, quick, say, folder } = context;
    const file = await data.file(quick ? 20 : 500, 'lines-of-users');
    const topic = await topics.makeNew();
    await topics.fill(topic, file.path);
    process.env[KEY_VARIABLE] = KEY;
    const pipeline = await TestPipeline.create(
      { [SOURCE]: { topic } },
      { erasure: { keyVariable: KEY_VARIABLE } },
    );
    try {
      const worker = await pipeline.startWorker();
      await (await pipeline.start({ source: SOURCE })).result();
      const persons = join(folder, 'persons');
      await writeFile(persons, (await personsIn(file)).join('\n'));
      const size = await sizeOf(pipeline);
      const erasure = await erase(context, pipeline, worker, persons);
      say(`  erase ${shown(erasure)}`);
      const check = await checkErasure(context, pipeline, persons);
      say(`  erase --check ${shown(check)}`);
      return foundIn(file, size, erasure, check);
    } finally {
      await pipeline.close();
      await topics.remove(topic);
      if (!quick) await data.remove(file.attempts / data.attempts, 'lines-of-users');
    }
  },
};

interface Erasure extends Measured {
  readonly result: EraseResult;
  /** Bytes that the DataNode read and wrote. */
  readonly read: number;
  readonly written: number;
}

/** Returns the users of attempts that are evenly distributed over the file. */
async function personsIn({ path, attempts }: DataFile): Promise<string[]> {
  const every = Math.floor(attempts / PERSONS);
  const found = new Set<string>();
  let line = 0;
  for await (const lines of readLineBatches(path, LINES_AT_ONCE))
    for (const text of lines) {
      if (line % every === 0 && found.size < PERSONS)
        found.add(User.parse(JSON.parse(text.toString())).user_exam_id);
      line += 1;
    }
  return [...found];
}

const User = z.looseObject({ user_exam_id: z.string() });

/** Returns the bytes of all live files. */
async function sizeOf({ warehouse }: TestPipeline): Promise<number> {
  const snapshots = await Promise.all(TABLES.map(({ name }) => warehouse.table(name).snapshot()));
  const files = snapshots.flatMap((snapshot) => [...(snapshot?.files.values() ?? [])]);
  return files.reduce((sum, { size }) => sum + size, 0);
}

async function erase(
  { stack }: Context,
  pipeline: TestPipeline,
  worker: TestWorker,
  persons: string,
): Promise<Erasure> {
  const { nameNodeHttp } = stack.hdfs;
  forgetPeak(worker.pid);
  const [servers, cpu, before] = [
    new ServersMeter(stack),
    cpuSeconds(worker.pid) ?? 0,
    await bytesOfDataNode(nameNodeHttp),
  ];
  const startedAt = performance.now();
  const words = ['--requested-by', 'bench', '--reason', 'bench', '--yes', '--follow', '--json'];
  const { code, stdout, stderr } = await pipeline.command(
    'erase',
    SOURCE,
    '--person-file',
    persons,
    ...words,
  );
  const seconds = (performance.now() - startedAt) / 1000;
  if (code !== 0) throw new Error(`erase ended with ${code}:\n${stderr}`);
  const after = await bytesOfDataNode(nameNodeHttp);
  return {
    seconds,
    cpuSeconds: (cpuSeconds(worker.pid) ?? 0) - cpu,
    peakBytes: worker.peakMemory(),
    servers: servers.since(),
    result: JSON.parse(stdout) as EraseResult,
    read: after.BytesRead - before.BytesRead,
    written: after.BytesWritten - before.BytesWritten,
  };
}

const Metrics = z.object({
  beans: z.array(z.looseObject({ BytesRead: z.number(), BytesWritten: z.number() })),
});

async function bytesOfDataNode(nameNode: string): Promise<z.infer<typeof Metrics>['beans'][number]> {
  const url = `${await dataNodeAddress(nameNode)}/jmx?qry=Hadoop:service=DataNode,name=DataNodeActivity-*`;
  const [bean] = Metrics.parse(await (await fetch(url)).json()).beans;
  if (bean === undefined) throw new TypeError('the DataNode has no metrics');
  return bean;
}

/** Runs `erase --check`, which fails if it finds a person. */
async function checkErasure(
  { stack, folder }: Context,
  pipeline: TestPipeline,
  persons: string,
): Promise<Measured> {
  const { measured } = await runMeasured(stack, {
    program: process.execPath,
    args: [join(ROOT, 'bin/pipeline.js'), 'erase', SOURCE, '--person-file', persons, '--check', '--json'],
    env: { PIPELINE_CONFIG: pipeline.settingsFile, XDG_CACHE_HOME: join(pipeline.folder, 'cache') },
    folder: join(folder, 'check'),
  });
  return measured;
}

function foundIn({ attempts, bytes }: DataFile, size: number, erasure: Erasure, check: Measured) {
  const { tables, messages, persons } = erasure.result;
  const rows = tables.map(
    ({ table, rows: removed, files }) => `${formatNumber(removed)} of ${table} in ${files} files`,
  );
  return {
    attempts,
    bytes,
    sides: [
      { name: 'erase', runs: [erasure] },
      { name: 'erase --check', runs: [check] },
    ],
    goals: [
      {
        ...{ what: 'erase: bytes read from HDFS / of the tables', value: erasure.read / size },
        ...{ unit: 'times' as const, sense: 'at most' as const, bound: 4 },
      },
      {
        ...{ what: 'erase: memory', value: erasure.peakBytes / 2 ** 20 },
        ...{ unit: 'MiB' as const, sense: 'at most' as const, bound: 1024 },
      },
    ],
    notes: [
      `Of ${formatNumber(persons)} persons ${formatNumber(messages)} messages were found. Rows that were removed: ${rows.join(', ')}.`,
      `The tables had ${formatBytes(size)}; the DataNode read ${formatBytes(erasure.read)} and wrote ${formatBytes(erasure.written)}.`,
      'The check was clean.',
    ],
  };
}
