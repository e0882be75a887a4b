import type { IngestResult } from '../model/run.ts';
import type { ServiceName } from '../services/ports.ts';
import type { Stack } from '../services/stack.ts';
import {
  TestPipeline,
  type IngestHandle,
  type SourceYaml,
  type TestWorker,
} from '../test/support/harness.ts';
import type { Context } from './context.ts';
import { historyOf } from './history.ts';
import { mustRun, ServersMeter, type Measured } from './measure.ts';
import { cpuSeconds, forgetPeak, TreeMeter } from './processes.ts';

/** A run of the pipeline, from its start to its result. */
export interface OurRun extends Measured {
  readonly result: IngestResult;
  readonly handle: IngestHandle;
}

/** The pipeline with its workers, in a warehouse of its own. Its processes are the workers, Temporal and this one. */
export class Ours {
  readonly pipeline: TestPipeline;
  readonly workers: readonly TestWorker[];
  readonly #stack: Stack;

  private constructor(stack: Stack, pipeline: TestPipeline, workers: readonly TestWorker[]) {
    this.#stack = stack;
    this.pipeline = pipeline;
    this.workers = workers;
  }

  /**
   * @param limits Settings that differ from the defaults.
   * @param nodeArgs Arguments of the workers' Node.
   */
  static async start(
    stack: Stack,
    sources: Record<string, SourceYaml>,
    hosts: readonly string[] = ['one'],
    limits: Readonly<Record<string, number>> = {},
    nodeArgs: readonly string[] = [],
  ): Promise<Ours> {
    const pipeline = await TestPipeline.create(sources, { limits });
    const workers: TestWorker[] = [];
    for (const host of hosts) workers.push(await pipeline.startWorker(host, {}, nodeArgs));
    return new Ours(stack, pipeline, workers);
  }

  /** Runs a source to its end; the outcome must be `landed`. */
  async run(source: string): Promise<OurRun> {
    for (const { pid } of this.workers) forgetPeak(pid);
    const [before, servers] = [this.#cpuSeconds(), new ServersMeter(this.#stack)];
    const began = performance.now();
    const handle = await this.pipeline.start({ source });
    const result = await handle.result();
    const seconds = (performance.now() - began) / 1000;
    const quarantined = result.steps.transform.quarantined + result.steps.publish.quarantined;
    if (result.outcome !== 'landed' || quarantined > 0)
      throw new Error(`our run of ${source} ended as ${result.outcome}, with ${quarantined} in quarantine`);
    return {
      seconds,
      cpuSeconds: this.#cpuSeconds() - before,
      peakBytes: Math.max(...this.workers.map((worker) => worker.peakMemory())),
      servers: servers.since(),
      result,
      handle,
    };
  }

  /** Returns the number of batches of a run that each worker landed, by process. */
  async sharesOf({ handle }: OurRun): Promise<ReadonlyMap<number, number>> {
    const { activities } = await historyOf(this.pipeline, handle);
    const by = activities.filter(({ activity }) => activity === 'land').map(({ worker }) => worker);
    return new Map(
      this.workers.map(({ pid }) => [pid, by.filter((worker) => worker.startsWith(`${pid}@`)).length]),
    );
  }

  /** Returns what the workers and servers used in a span of a run; in milliseconds since 1970. */
  watch(): (span: { readonly fromMs: number; readonly toMs: number }) => Measured {
    for (const { pid } of this.workers) forgetPeak(pid);
    const meterOf = (name: ServiceName): TreeMeter =>
      new TreeMeter(mustRun(name, this.#stack.service(name).pid));
    const workers = this.workers.map(({ pid }) => new TreeMeter(pid));
    const servers = { kafka: meterOf('kafka'), namenode: meterOf('namenode'), datanode: meterOf('datanode') };
    return ({ fromMs, toMs }) => {
      const [from, to] = [fromMs - performance.timeOrigin, toMs - performance.timeOrigin];
      const used = (meter: TreeMeter): number => {
        meter.stop();
        return meter.cpuBetween(from, to);
      };
      return {
        seconds: (toMs - fromMs) / 1000,
        cpuSeconds: workers.reduce((sum, meter) => sum + used(meter), 0),
        peakBytes: Math.max(...workers.map((meter) => meter.peakBytesUntil(to))),
        servers: {
          kafka: used(servers.kafka),
          namenode: used(servers.namenode),
          datanode: used(servers.datanode),
        },
      };
    };
  }

  /** Ends the workers, and removes the tables. */
  async close(): Promise<void> {
    await this.pipeline.close();
  }

  #cpuSeconds(): number {
    const temporal = mustRun('temporal', this.#stack.service('temporal').pid);
    const pids = [temporal, ...this.workers.map(({ pid }) => pid)];
    const { user, system } = process.cpuUsage();
    return pids.reduce((sum, pid) => sum + mustRun(`process ${pid}`, cpuSeconds(pid)), (user + system) / 1e6);
  }
}

/**
 * Starts the pipeline and warms it up with a small run.
 *
 * @param warmTopic Topic with the messages of the small run.
 */
export async function startWarm(
  stack: Stack,
  warmTopic: string,
  sources: Record<string, SourceYaml>,
  hosts?: readonly string[],
): Promise<Ours> {
  const ours = await Ours.start(stack, { warm: { topic: warmTopic }, ...sources }, hosts);
  await ours.run('warm');
  return ours;
}

/** Limit of the small runs that are started until each worker has landed one; Temporal chooses the worker. */
const MAX_WARM_RUNS = 12;

/** Does the same as {@link startWarm} with several workers; each lands a small run. */
export async function startAllWarm(
  { stack, topics, data }: Context,
  sources: Record<string, SourceYaml>,
  hosts: readonly string[],
): Promise<Ours> {
  const warm = Array.from({ length: MAX_WARM_RUNS }, (_, at) => `bench-warm-${at}`);
  for (const topic of warm) await topics.filled(data, 1, topic);
  const small = Object.fromEntries(warm.map((topic) => [topic, { topic }]));
  const ours = await Ours.start(stack, { ...small, ...sources }, hosts);
  const cold = new Set(ours.workers.map(({ pid }) => pid));
  for (const source of warm) {
    const shares = await ours.sharesOf(await ours.run(source));
    for (const [pid, batches] of shares) if (batches > 0) cold.delete(pid);
    if (cold.size === 0) return ours;
  }
  await ours.close();
  throw new Error(`of ${hosts.length} workers one landed none of ${MAX_WARM_RUNS} small runs`);
}
