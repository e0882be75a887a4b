import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { promisify } from 'node:util';
import { z } from 'zod';
import { TestPipeline } from '../support/harness.ts';
import { Feed, GOLDEN_LEFT_OUT, rightAnswers } from './feed.ts';
import { NOTEBOOKS, installReaders, interopSkipReason, type Readers } from './install.ts';
import { DEFAULT_FS } from './program.ts';

const Notebook = z.object({
  cells: z.array(
    z.object({ outputs: z.array(z.unknown()).optional(), execution_count: z.null().optional() }),
  ),
});

const Ran = z.strictObject({ pictures: z.int(), answers: z.record(z.string(), z.unknown()) });

/** Of the exams, their lengths, the hours, the results, and the scores. */
const PICTURES = 5;

test('no notebook is committed with its output, which is customers’ data', async () => {
  const names = (await readdir(NOTEBOOKS)).filter((name) => name.endsWith('.ipynb'));
  assert.deepEqual(names.sort(), ['duckdb.ipynb', 'spark.ipynb']);
  for (const name of names) {
    const { cells } = Notebook.parse(JSON.parse(await readFile(join(NOTEBOOKS, name), 'utf8')));
    assert.ok(cells.every(({ outputs = [] }) => outputs.length === 0));
  }
});

describe('the notebooks, unmodified', { skip: interopSkipReason() }, () => {
  let readers: Readers;
  let pipeline: TestPipeline;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'notebooks-'));
    readers = await installReaders();
    const feed = new Feed(folder, 'customer');
    await feed.deliverMany();
    pipeline = await TestPipeline.create({ customer: feed.source });
    const worker = await pipeline.startWorker();
    await (await pipeline.start({ source: 'customer' })).result();
    await worker.kill();
  });

  after(async () => {
    await pipeline.close();
    await rm(folder, { recursive: true });
  });

  async function run(name: string): Promise<z.infer<typeof Ran>> {
    const script = join(import.meta.dirname, 'run_notebook.py');
    const { stdout } = await promisify(execFile)(readers.python, ['-B', script, join(NOTEBOOKS, name)], {
      cwd: folder,
      env: {
        ...process.env,
        HADOOP_USER_NAME: 'hdfs',
        PIPELINE_WAREHOUSE: `${DEFAULT_FS}${pipeline.settings.hdfs.warehouse}`,
        SPARK_DELTA_JARS: readers.jars,
        IPYTHONDIR: join(folder, 'ipython'),
        MPLCONFIGDIR: join(folder, 'matplotlib'),
      },
      maxBuffer: 1 << 24,
    });
    return Ran.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
  }

  /** The expected answers: those of the real data set, else those of the command line over the generated attempts. */
  async function expected(found: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (GOLDEN_LEFT_OUT === false) return rightAnswers().answers_deduplicated;
    const { stdout } = await pipeline.command('answers', '--deduplicated', '--json');
    const { overview } = z
      .object({ overview: z.tuple([z.record(z.string(), z.unknown())]) })
      .parse(JSON.parse(stdout));
    return { ...found, ...overview[0] };
  }

  for (const name of ['duckdb.ipynb', 'spark.ipynb']) {
    test(`${name} gives the correct answers, and draws its plots`, async () => {
      const { answers, pictures } = await run(name);
      assert.deepEqual(answers, await expected(answers));
      assert.equal(pictures, PICTURES);
    });
  }
});
