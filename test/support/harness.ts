import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { Client, Connection, type WorkflowHandleWithStartDetails } from '@temporalio/client';
import { createLogger, type Logger } from '../../adapters/log.ts';
import type { KafkaOptions } from '../../adapters/kafka/client.ts';
import { Warehouse } from '../../adapters/delta/warehouse.ts';
import { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { PipelineError } from '../../model/errors.ts';
import type { IngestRequest, RunStatus } from '../../model/run.ts';
import { readSettings, type Settings } from '../../model/settings.ts';
import type { ingest } from '../../workflows/index.ts';

/** Where the real servers are; the runner of the tests or of the benches starts them and says so. */
export const SERVERS = {
  get temporal(): string {
    return process.env['PIPELINE_TEST_TEMPORAL'] ?? '127.0.0.1:7233';
  },
  get temporalUi(): string {
    return process.env['PIPELINE_TEST_TEMPORAL_UI'] ?? 'http://127.0.0.1:8233';
  },
  get kafka(): string {
    return process.env['PIPELINE_TEST_KAFKA'] ?? '127.0.0.1:9092';
  },
  get nameNode(): string {
    return process.env['PIPELINE_TEST_HDFS'] ?? 'http://127.0.0.1:9870';
  },
};

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A source of the settings, as pipeline.yaml has it. */
export type SourceYaml = Record<string, unknown>;

/** Parts of pipeline.yaml, each by its name. */
type PipelineYaml = Readonly<Record<string, object>>;

interface Yaml {
  readonly yaml: PipelineYaml;
  readonly ofWorkers: PipelineYaml;
}

/** A run that was started. */
export type IngestHandle = WorkflowHandleWithStartDetails<typeof ingest>;

/** A pipeline of a test's own: its settings, task queue, topics, warehouse and workers, on the real servers. */
export class TestPipeline {
  /** Unique for each pipeline; topics and the warehouse begin so. */
  readonly name: string;
  readonly folder: string;
  readonly settingsFile: string;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly warehouse: Warehouse;
  readonly kafka: KafkaOptions;
  readonly client: Client;
  readonly #yaml: PipelineYaml;
  readonly #ofWorkers: PipelineYaml;
  readonly #connection: Connection;
  readonly #workers = new Set<TestWorker>();

  private constructor(name: string, folder: string, { yaml, ofWorkers }: Yaml, connection: Connection) {
    this.#yaml = yaml;
    this.#ofWorkers = ofWorkers;
    this.name = name;
    this.folder = folder;
    this.settingsFile = join(folder, 'pipeline.yaml');
    this.settings = readSettings(this.settingsFile);
    this.logger = createLogger('test', 'fatal');
    this.kafka = { ...this.settings.kafka, logger: this.logger };
    this.warehouse = openWarehouse(this.settings, this.logger);
    this.#connection = connection;
    this.client = new Client({ connection });
  }

  /**
   * @param sources Each by its name; a topic is made unique by the pipeline's name before it.
   * @param more Other parts of pipeline.yaml, as `limits`.
   * @param ofWorkers What workers have in the parts of their pipeline.yaml besides, as a proxy's address.
   */
  static async create(
    sources: Record<string, SourceYaml>,
    more: PipelineYaml = {},
    ofWorkers: PipelineYaml = {},
  ): Promise<TestPipeline> {
    const folder = await mkdtemp(join(tmpdir(), 'pipeline-test-'));
    const name = `t${process.pid}-${Date.now().toString(36)}`;
    const own = {
      temporal: { address: SERVERS.temporal, taskQueue: name },
      kafka: { brokers: [SERVERS.kafka] },
      hdfs: { nameNodes: [SERVERS.nameNode], warehouse: `/test/${name}` },
      worker: { staging: 'staging', healthPort: 0 },
    };
    const yaml = {
      ...withParts(own, more),
      sources: Object.fromEntries(
        Object.entries(sources).map(([source, rest]) => [source, { topic: `${name}-${source}`, ...rest }]),
      ),
    };
    await writeFile(join(folder, 'pipeline.yaml'), stringify(yaml));
    const { address } = readSettings(join(folder, 'pipeline.yaml')).temporal;
    const connection = await Connection.connect({ address });
    return new TestPipeline(name, folder, { yaml, ofWorkers }, connection);
  }

  /** The settings file of a host: the pipeline's own, but for its staging folder. */
  async settingsOf(host: string): Promise<string> {
    const file = join(this.folder, `pipeline-${host}.yaml`);
    const yaml = withParts(this.#yaml, this.#ofWorkers);
    await writeFile(file, stringify(withParts(yaml, { worker: { staging: `staging-${host}` } })));
    return file;
  }

  /** Puts files beside the settings, for sources whose url is `file:NAME`. */
  async placeFiles(files: Readonly<Record<string, string | Buffer>>): Promise<void> {
    for (const [name, content] of Object.entries(files)) await writeFile(join(this.folder, name), content);
  }

  /**
   * A worker process. `host` names its staging folder: workers of other names are on other hosts.
   * @param nodeArgs Arguments of Node, before the program's.
   */
  async startWorker(
    host = 'one',
    env: Record<string, string> = {},
    nodeArgs: readonly string[] = [],
  ): Promise<TestWorker> {
    const worker = await TestWorker.start(this, host, env, nodeArgs);
    this.#workers.add(worker);
    return worker;
  }

  async start(request: IngestRequest): Promise<IngestHandle> {
    return this.client.workflow.start<typeof ingest>('ingest', {
      taskQueue: this.settings.temporal.taskQueue,
      workflowId: `${this.name}-${request.source}-${performance.now()}`,
      args: [request],
    });
  }

  /** The activities of a run that a worker has begun and not ended, by their names. */
  async activitiesOf(workflowId: string): Promise<string[]> {
    const { raw } = await this.client.workflow.getHandle(workflowId).describe();
    return (raw.pendingActivities ?? [])
      .filter(({ lastStartedTime }) => lastStartedTime !== null && lastStartedTime !== undefined)
      .map(({ activityType }) => activityType?.name ?? '');
  }

  /** Runs a command of the command line to its end, in the pipeline's folder: what it writes goes with that. */
  async command(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const env = { PIPELINE_CONFIG: this.settingsFile, XDG_CACHE_HOME: join(this.folder, 'cache') };
    return runCommand(words, env, this.folder);
  }

  /** Ends the workers, and removes what the pipeline has in HDFS and on disk. */
  async close(): Promise<void> {
    for (const worker of this.#workers) await worker.kill();
    await this.#connection.close();
    await this.warehouse.options.hdfs.delete(this.settings.hdfs.warehouse, { recursive: true });
    await rm(this.folder, { recursive: true });
  }
}

/** The warehouse of these settings, its logs not yet read. */
export function openWarehouse(settings: Settings, logger: Logger): Warehouse {
  const hdfs = new WebHdfs({ ...settings.hdfs, logger });
  const { checkpointInterval } = settings.limits;
  return new Warehouse(settings.hdfs.warehouse, { hdfs, logger, checkpointInterval });
}

/** The parts of the one, with what the other has of each in place of its own. */
function withParts(parts: PipelineYaml, others: PipelineYaml): PipelineYaml {
  const merged = Object.entries(others).map(([part, keys]) => [part, { ...parts[part], ...keys }] as const);
  return { ...parts, ...Object.fromEntries(merged) };
}

/** A worker process of a test. */
export class TestWorker {
  readonly log: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess, log: string) {
    this.#process = child;
    this.log = log;
    this.#exited = once(child, 'exit');
  }

  static async start(
    pipeline: TestPipeline,
    host: string,
    env: Record<string, string>,
    nodeArgs: readonly string[],
  ): Promise<TestWorker> {
    const settingsFile = await pipeline.settingsOf(host);
    const log = join(pipeline.folder, `worker-${host}-${Date.now()}.log`);
    const args = [...nodeArgs, join(ROOT, 'bin/worker.js')];
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, PIPELINE_CONFIG: settingsFile, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.pipe(createWriteStream(log));
    const worker = new TestWorker(child, log);
    await eventually(
      `the worker accepts tasks (${log})`,
      () => readLog(log).includes('the worker accepts tasks'),
      60_000,
    );
    return worker;
  }

  /** The id of its process. */
  get pid(): number {
    if (this.#process.pid === undefined) throw new TypeError('the worker was not started');
    return this.#process.pid;
  }

  /** The most memory that it has had, in bytes. */
  peakMemory(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) * 1024;
  }

  /** Whether it has ended, by itself or because it was told to. */
  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Sends it a signal, as SIGSTOP, which stands it still until SIGCONT. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Kills it as `kill -9` does. */
  async kill(): Promise<void> {
    if (this.hasEnded) return;
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  /** Asks it to end, as a deployment does; answers its exit code. */
  async drain(): Promise<number | null> {
    this.#process.kill('SIGTERM');
    await this.#exited;
    return this.#process.exitCode;
  }
}

/** What a run says of itself. */
export async function statusOf(handle: { query: (name: string) => Promise<unknown> }): Promise<RunStatus> {
  return (await handle.query('status')) as RunStatus;
}

/** Waits until something holds; fails, naming it, when it does not in time. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`did not happen within ${withinMs} ms: ${what}`);
    await sleep(50);
  }
}

/** The code and message of the named error that work fails with; `none` when it does not fail. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof PipelineError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

/** Runs `pipeline` with these words, in a folder. */
export async function runCommand(
  words: readonly string[],
  env: Record<string, string>,
  folder = ROOT,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [join(ROOT, 'bin/pipeline.js'), ...words], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text.stdout += piece));
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (text.stderr += piece));
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...text };
}

function readLog(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
