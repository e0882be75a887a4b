import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Client, Connection, type WorkflowHandleWithStartDetails } from '@temporalio/client';
import { createLogger, type Logger } from '../../adapters/log.ts';
import type { KafkaWithMarkers } from '../../adapters/kafka/client.ts';
import { Warehouse } from '../../adapters/delta/warehouse.ts';
import { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { PipelineError } from '../../model/errors.ts';
import type { IngestRequest, RunStatus } from '../../model/run.ts';
import { readSettings, type Settings } from '../../model/settings.ts';
import type { ingest } from '../../workflows/index.ts';
import { ROOT } from '../../scripts/processes.ts';
import { TestWorker } from './test-worker.ts';

export { eventually } from './eventually.ts';
export { ROOT } from '../../scripts/processes.ts';
export { TestWorker } from './test-worker.ts';

/** Addresses of the real servers, which the runner of the tests or benches sets in environment variables. */
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

/** A source of pipeline.yaml. */
export type SourceYaml = Record<string, unknown>;

/** Sections of pipeline.yaml, by name. */
type PipelineYaml = Readonly<Record<string, object>>;

interface Yaml {
  readonly yaml: PipelineYaml;
  readonly ofWorkers: PipelineYaml;
}

/** A run that was started. */
export type IngestHandle = WorkflowHandleWithStartDetails<typeof ingest>;

/** A pipeline of one test: its settings, task queue, topics, warehouse and workers, on the real servers. */
export class TestPipeline {
  /** Unique prefix of its topics and warehouse. */
  readonly name: string;
  readonly folder: string;
  readonly settingsFile: string;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly warehouse: Warehouse;
  readonly kafka: KafkaWithMarkers;
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
    this.warehouse = openTestWarehouse(this.settings, this.logger);
    this.#connection = connection;
    this.client = new Client({ connection });
  }

  /**
   * @param sources By name; topics get the pipeline's name as a prefix.
   * @param more Other sections of pipeline.yaml, such as `limits`.
   * @param ofWorkers Settings of the workers alone, such as a proxy's address.
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

  /** Writes the settings file of a host, which differs in the staging folder; returns its path. */
  async settingsOf(host: string): Promise<string> {
    const file = join(this.folder, `pipeline-${host}.yaml`);
    const yaml = withParts(this.#yaml, this.#ofWorkers);
    await writeFile(file, stringify(withParts(yaml, { worker: { staging: `staging-${host}` } })));
    return file;
  }

  /** Writes files beside the settings, for sources whose url is `file:NAME`. */
  async placeFiles(files: Readonly<Record<string, string | Buffer>>): Promise<void> {
    for (const [name, content] of Object.entries(files)) await writeFile(join(this.folder, name), content);
  }

  /**
   * Starts a worker process. `host` names its staging folder: each name is another host.
   * @param nodeArgs Arguments of Node, before the program's.
   */
  async startWorker(
    host = 'one',
    env: Record<string, string> = {},
    nodeArgs: readonly string[] = [],
  ): Promise<TestWorker> {
    const worker = await TestWorker.start({
      settingsFile: await this.settingsOf(host),
      folder: this.folder,
      host,
      env,
      nodeArgs,
    });
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

  /** Returns the names of a run's activities that are in progress. */
  async activitiesOf(workflowId: string): Promise<string[]> {
    const { raw } = await this.client.workflow.getHandle(workflowId).describe();
    return (raw.pendingActivities ?? [])
      .filter(({ lastStartedTime }) => lastStartedTime !== null && lastStartedTime !== undefined)
      .map(({ activityType }) => activityType?.name ?? '');
  }

  /** Runs a command of the CLI to its end, in the pipeline's folder. */
  async command(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const env = { PIPELINE_CONFIG: this.settingsFile, XDG_CACHE_HOME: join(this.folder, 'cache') };
    return runPipelineCommand(words, env, this.folder);
  }

  /** Kills the workers, and removes the pipeline's files in HDFS and on disk. */
  async close(): Promise<void> {
    for (const worker of this.#workers) await worker.kill();
    await this.#connection.close();
    await this.warehouse.options.hdfs.delete(this.settings.hdfs.warehouse, { recursive: true });
    await rm(this.folder, { recursive: true });
  }
}

/** Opens the warehouse of these settings; no log is read yet. */
export function openTestWarehouse(settings: Settings, logger: Logger): Warehouse {
  const hdfs = new WebHdfs({ ...settings.hdfs, logger });
  const { checkpointInterval } = settings.limits;
  return new Warehouse(settings.hdfs.warehouse, { hdfs, logger, checkpointInterval });
}

/** Merges two settings; the second overrides single keys of each section. */
function withParts(parts: PipelineYaml, others: PipelineYaml): PipelineYaml {
  const merged = Object.entries(others).map(([part, keys]) => [part, { ...parts[part], ...keys }] as const);
  return { ...parts, ...Object.fromEntries(merged) };
}

/** Queries the status of a run. */
export async function queryStatus(handle: { query: (name: string) => Promise<unknown> }): Promise<RunStatus> {
  return (await handle.query('status')) as RunStatus;
}

/** Returns the code and message of the PipelineError that work fails with; `none` when it succeeds. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof PipelineError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

/** Runs `pipeline` with these arguments, in a folder. */
export async function runPipelineCommand(
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
