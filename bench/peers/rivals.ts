import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { messageOf } from '../../model/errors.ts';
import { runLoggedCommand } from '../../services/command.ts';
import { cacheFolder, installOnce } from '../../services/install.ts';
import type { Stack } from '../../services/stack.ts';
import { hashOf, installPomJars, installPython, INTEROP_POM } from '../../test/interop/install.ts';
import type { Context } from '../context.ts';
import { runMeasured, type Measured } from '../measure.ts';

/** The rivals' programs, which are not part of this repository. */
const PROGRAMS = fileURLToPath(new URL('../../../shared/peers', import.meta.url));
const BENCH_POM = join(import.meta.dirname, 'pom.xml');

/** The last line of a rival's output; times in seconds since 1970. */
const Printed = z.object({
  job_s: z.number(),
  job_from: z.number(),
  rows: z.record(z.string(), z.number()),
});

/** A run of a rival, without its start and without its landing of the small topic. */
export interface RivalRun {
  readonly job: Measured;
  /** By table. */
  readonly rows: Readonly<Record<string, number>>;
}

/** The topics of a run. */
export interface RivalTopics {
  readonly topic: string;
  /** Landed by the same process before. */
  readonly warm: string;
}

/** A program that lands a topic as four Delta tables in HDFS. */
export interface Rival {
  readonly name: RivalName;
  run(topics: RivalTopics): Promise<RivalRun>;
}

/** The names of the rivals, as on the page of benchmarks. */
export type RivalName = 'Python' | 'Rust' | 'Spark, warm';

/** The program of a rival, to be followed by nothing else. */
type CommandOf = (topics: RivalTopics) => {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

const INSTALLERS: Readonly<Record<RivalName, (stack: Stack, folder: string) => Promise<CommandOf>>> = {
  Python: installPythonRival,
  Rust: installRustRival,
  'Spark, warm': installSparkRival,
};

/** Installs the rivals that this machine can run, the first time; reports the others, and why. */
export async function installRivals({ stack, folder, say }: Context): Promise<Rival[]> {
  if (!existsSync(PROGRAMS)) {
    say(`  the rivals are left out: there is no ${PROGRAMS}`);
    return [];
  }
  const rivals: Rival[] = [];
  for (const name of Object.keys(INSTALLERS) as RivalName[]) {
    const ownFolder = join(folder, name.replace(/\W+/g, '-').toLowerCase());
    try {
      const commandOf = await INSTALLERS[name](stack, ownFolder);
      rivals.push({ name, run: (topics) => runRival(stack, ownFolder, commandOf(topics)) });
    } catch (error) {
      say(`  ${name} is left out: ${messageOf(error)}`);
    }
  }
  return rivals;
}

async function runRival(stack: Stack, folder: string, command: ReturnType<CommandOf>): Promise<RivalRun> {
  const { measured, stdout, meter } = await runMeasured(stack, {
    ...command,
    env: { HADOOP_USER_NAME: 'hdfs', ...command.env },
    folder,
  });
  const printed = Printed.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
  const fromMs = printed.job_from * 1000 - performance.timeOrigin;
  const toMs = fromMs + printed.job_s * 1000;
  const job = {
    ...measured,
    seconds: printed.job_s,
    cpuSeconds: meter.cpuBetween(fromMs, toMs),
    // The servers also served its start.
    servers: null,
  };
  return { job, rows: printed.rows };
}

/** An expert's Python: librdkafka, DuckDB's reader of JSON, Arrow, delta-rs. */
async function installPythonRival(stack: Stack): Promise<CommandOf> {
  const requirements = join(import.meta.dirname, 'python-requirements.txt');
  const name = `peers-python-${await hashOf(requirements)}`;
  const log = join(cacheFolder(), 'logs', `${name}.log`);
  const folder = await installOnce(join(cacheFolder(), name), async (content) => {
    const venv = { program: 'python3', args: ['-m', 'venv', content] };
    await runLoggedCommand('Making a folder for Python’s packages', venv, log);
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check'];
    const args = [...pip, '--requirement', requirements];
    await runLoggedCommand(
      'Fetching a rival’s packages',
      { program: join(content, 'bin/python'), args },
      log,
    );
  });
  return ({ topic, warm }) => ({
    program: join(folder, 'bin/python'),
    args: [
      ...['-B', join(PROGRAMS, 'python_duckdb_delta.py')],
      ...['--brokers', stack.kafka.brokers.join(','), '--topic', topic, '--warm-topic', warm],
      ...['--webhdfs', stack.hdfs.nameNodeHttp, '--out', `${stack.hdfs.defaultFs}/bench/python`],
    ],
  });
}

/** A program in Rust that only handles what is as expected; compiled for this machine's processor. */
async function installRustRival(stack: Stack): Promise<CommandOf> {
  const source = join(PROGRAMS, 'rust_arrow');
  const files = ['Cargo.toml', 'Cargo.lock', 'src/main.rs'].map((file) => join(source, file));
  const name = `peers-rust-${await hashOf(...files)}`;
  const folder = await installOnce(join(cacheFolder(), name), async (content) => {
    const manifest = ['--manifest-path', join(source, 'Cargo.toml')];
    const build = {
      program: 'cargo',
      args: ['build', '--release', '--locked', ...manifest, '--target-dir', join(content, 'target')],
      env: { RUSTFLAGS: '-C target-cpu=native' },
    };
    await runLoggedCommand(
      'Compiling a rival in Rust, which takes minutes',
      build,
      join(cacheFolder(), 'logs', `${name}.log`),
    );
  });
  return ({ topic, warm }) => ({
    program: join(folder, 'target/release/p6'),
    args: [stack.kafka.brokers.join(','), topic, stack.hdfs.nameNodeHttp, '/bench/rust', warm],
  });
}

/** Spark with Delta, tuned, in a session that has landed the small topic. It reads its jars from beside its script. */
async function installSparkRival(stack: Stack, folder: string): Promise<CommandOf> {
  const [python, ...jars] = await Promise.all([
    installPython(),
    installPomJars('peers', BENCH_POM),
    installPomJars('interop', INTEROP_POM),
  ]);
  await mkdir(join(folder, 'spark-jars'), { recursive: true });
  const script = join(folder, 'spark_delta.py');
  await copyFile(join(PROGRAMS, basename(script)), script);
  const paths = new Map<string, string>();
  for (const one of jars) for (const name of await readdir(one)) paths.set(name, join(one, name));
  for (const [name, path] of paths) await symlink(path, join(folder, 'spark-jars', name));
  return ({ topic, warm }) => ({
    program: python,
    args: [
      ...['-B', script, '--brokers', stack.kafka.brokers.join(','), '--topic', topic],
      ...['--warm-topic', warm, '--out', `${stack.hdfs.defaultFs}/bench/spark-delta`],
    ],
    env: { PYSPARK_PYTHON: python, SPARK_LOCAL_IP: '127.0.0.1' },
  });
}
