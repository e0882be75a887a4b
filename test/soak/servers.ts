import type { ServiceName } from '../../services/ports.ts';
import { endWithThisProcess } from '../../services/lifetime.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { ensureTopic } from '../../adapters/kafka/topics.ts';
import { OwnServers } from '../faults/own-servers.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { TestPipeline, type TestWorker } from '../support/harness.ts';
import type { KafkaProxy } from '../support/kafka-proxy.ts';
import { ProxiedKafka } from '../support/proxied-kafka.ts';
import type { Victim } from './plan.ts';

/** The topics: one shared by three sources and other producers, and one of a single source. */
export const TOPICS = ['soak-shared', 'soak-second'] as const;

/** Attempts of a feed, over 68 days; a run requests two hours of them. */
export const FEED_COUNT = 60_000;

const PARTITIONS = 4;
const BATCH_MESSAGES = 200;

/** The environment of a soak: servers behind proxies, a customer, and two workers on hosts of their own. */
export class SoakServers {
  readonly pipeline: TestPipeline;
  readonly platform: Platform;
  readonly hdfs: FaultyHdfs;
  readonly #own: OwnServers;
  readonly #broker: ProxiedKafka;
  readonly #workers = new Map<string, TestWorker>();
  readonly #release: () => void;

  private constructor(
    { own, broker }: { own: OwnServers; broker: ProxiedKafka },
    { platform, hdfs, pipeline }: { platform: Platform; hdfs: FaultyHdfs; pipeline: TestPipeline },
  ) {
    this.#own = own;
    this.#broker = broker;
    this.platform = platform;
    this.hdfs = hdfs;
    this.pipeline = pipeline;
    this.#release = endWithThisProcess(() => {
      for (const worker of this.#workers.values()) worker.signal('SIGKILL');
    });
  }

  /** @param seed Determines the customer's data. */
  static async start(seed: number): Promise<SoakServers> {
    const [own, broker] = await Promise.all([
      OwnServers.start(['temporal', 'namenode', 'datanode']),
      ProxiedKafka.start(),
    ]);
    const platform = await startPlatform({ seed, count: FEED_COUNT });
    const hdfs = await FaultyHdfs.start('soak', own.nameNode);
    const [shared, second] = TOPICS;
    const url = (feed: string): string =>
      `${platform.url}/${feed}/attempts?spacing=compact&seed=${feedSeed(seed, feed)}&from={from}&to={to}`;
    const pipeline = await TestPipeline.create(
      {
        feed: { url: url('feed'), topic: shared },
        file: { url: 'file:attempts.ndjson', format: 'ndjson', topic: shared },
        others: { topic: shared },
        second: { url: url('second'), topic: second },
      },
      {
        ...own.addresses,
        kafka: { brokers: [broker.kafka.broker] },
        limits: { batchMessages: BATCH_MESSAGES },
      },
      { hdfs: { nameNodes: [hdfs.nameNode.address] }, kafka: { brokers: [broker.proxy.address] } },
    );
    for (const topic of TOPICS)
      await ensureTopic(pipeline.kafka, topic, { partitions: PARTITIONS, replicationFactor: 1 });
    const servers = new SoakServers({ own, broker }, { platform, hdfs, pipeline });
    await Promise.all([servers.startWorker('one'), servers.startWorker('two')]);
    return servers;
  }

  get kafkaProxy(): KafkaProxy {
    return this.#broker.proxy;
  }

  async kill(victim: Victim): Promise<void> {
    const host = hostOf(victim);
    if (host !== undefined) await this.#worker(host).kill();
    else if (victim === 'kafka') await this.#broker.kafka.kill();
    else await this.#own.service(victim as ServiceName).kill('SIGKILL');
  }

  /** Restarts what was killed, and returns when it is ready. */
  async restart(victim: Victim): Promise<void> {
    const host = hostOf(victim);
    if (host !== undefined) await this.startWorker(host);
    else if (victim === 'kafka') await this.#broker.kafka.restart();
    else await this.#own.service(victim as ServiceName).restart();
  }

  async freeze(victim: Victim): Promise<void> {
    const host = hostOf(victim);
    if (host !== undefined) this.#worker(host).signal('SIGSTOP');
    else if (victim === 'kafka') await this.#broker.kafka.pause();
    else await this.#own.service(victim as ServiceName).pause();
  }

  async thaw(victim: Victim): Promise<void> {
    const host = hostOf(victim);
    if (host !== undefined) this.#worker(host).signal('SIGCONT');
    else if (victim === 'kafka') await this.#broker.kafka.resume();
    else await this.#own.service(victim as ServiceName).resume();
  }

  async safeMode(what: 'enter' | 'leave'): Promise<void> {
    await this.#own.administer('-safemode', what);
  }

  async startWorker(host: string): Promise<void> {
    this.#workers.set(host, await this.pipeline.startWorker(host));
  }

  /** Returns the logs of workers that exited without being killed. */
  endedWorkers(): string[] {
    return [...this.#workers.values()].filter(({ hasEnded }) => hasEnded).map(({ log }) => log);
  }

  async stop(): Promise<void> {
    await this.pipeline.close();
    await this.hdfs.stop();
    await this.platform.close();
    await this.#broker.stop();
    await this.#own.stop();
    this.#release();
  }

  #worker(host: string): TestWorker {
    const worker = this.#workers.get(host);
    if (worker === undefined) throw new TypeError(`there is no worker ${host}`);
    return worker;
  }
}

/** Returns the seed of a feed's attempts. */
export function feedSeed(seed: number, feed: string): number {
  return feed === 'feed' ? seed : seed + 1_000_000;
}

function hostOf(victim: Victim): string | undefined {
  return /^worker (\w+)$/.exec(victim)?.[1];
}
