import { join } from 'node:path';
import { z } from 'zod';
import { installReaders } from '../../test/interop/install.ts';
import { copiesOf, secondsOf, shown, type Bench, type Context } from '../context.ts';
import { ratio } from '../figures.ts';
import { runMeasured, type Measured } from '../measure.ts';
import { Ours } from '../ours.ts';
import { requireSameRows, Spark } from '../peers/spark.ts';

const QUESTIONS = join(import.meta.dirname, '../../test/interop');

const roundsSchema = z.array(z.strictObject({ seconds: z.number(), cpuSeconds: z.number() }));
const SIDES = ['ours', 'delta', 'spark'] as const;
const Printed = z.strictObject({ ours: roundsSchema, delta: roundsSchema, spark: roundsSchema });

/** Measures the standard questions. */
export const readingBench: Bench = {
  name: 'reading',
  title: 'Reading',
  about:
    'Spark answers the standard questions (`test/interop/spark_answers.py`) from our files, from our tables through their Delta log, and from the files that `bench/peers/spark_job.py` wrote from the same topic; in turns in one warm session, without caching. Each round lists the files or reads the log again. The answers are compared.',
  needs: ['python3', 'mvn'],
  run: async (context) => {
    const { stack, data, topics, say } = context;
    const copies = copiesOf(context);
    const { attempts, bytes } = await data.file(copies, 'lines');
    const topic = await topics.filled(data, copies);
    const spark = await Spark.install(stack, context.folder);
    const ours = await Ours.start(stack, { bench: { topic } });
    try {
      const { result } = await ours.run('bench');
      requireSameRows(result.rows, (await spark.run(topic)).rows);
      const warehouse = `${stack.hdfs.defaultFs}${ours.pipeline.settings.hdfs.warehouse}`;
      const took = await ask(context, warehouse, spark.output);
      for (const side of SIDES) for (const run of took[side]) say(`  ${side} ${shown(run)}`);
      const against = (side: (typeof SIDES)[number]): number =>
        ratio(secondsOf(took.spark), secondsOf(took[side]));
      return {
        attempts,
        bytes,
        sides: [
          { name: 'our files', runs: took.ours },
          { name: 'our tables, by their log', runs: took.delta },
          { name: 'Spark’s files', runs: took.spark },
        ],
        goals: [
          {
            ...{ what: 'reading: Spark’s files / our files', value: against('ours') },
            ...{ unit: 'times', sense: 'at least', bound: 1 },
          },
          {
            ...{ what: 'reading: Spark’s files / our tables by their log', value: against('delta') },
            ...{ unit: 'times', sense: 'at least', bound: null },
          },
        ],
        notes: ['All sides are one process, whose memory is shown at each.'],
      };
    } finally {
      await ours.close();
    }
  },
};

async function ask(
  { stack, folder, rounds }: Context,
  ours: string,
  sparks: string,
): Promise<Record<(typeof SIDES)[number], Measured[]>> {
  const { python, jars } = await installReaders();
  const script = join(import.meta.dirname, '../peers/reading.py');
  const { measured, stdout } = await runMeasured(stack, {
    program: python,
    args: ['-B', script, jars, QUESTIONS, ours, sparks, String(rounds)],
    env: { HADOOP_USER_NAME: 'hdfs', PYSPARK_PYTHON: python, SPARK_LOCAL_IP: '127.0.0.1' },
    folder: join(folder, 'reading'),
  });
  const printed = Printed.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
  const { peakBytes } = measured;
  const whole = (runs: z.infer<typeof roundsSchema>): Measured[] =>
    runs.map((run) => ({ ...run, peakBytes, servers: null }));
  return { ours: whole(printed.ours), delta: whole(printed.delta), spark: whole(printed.spark) };
}
