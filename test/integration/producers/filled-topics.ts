import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { topicOffsets } from '../../../adapters/kafka/client.ts';
import { readRanges } from '../../../adapters/kafka/read.ts';
import { ensureTopic } from '../../../adapters/kafka/topics.ts';
import type { IngestResult } from '../../../model/run.ts';
import { generateAttempts } from '../../../simulator/generator.ts';
import {
  SERVERS,
  TestPipeline,
  eventually,
  type SourceYaml,
  type TestWorker,
} from '../../support/harness.ts';
import { JavaClient } from './java.ts';
import { kafkajsClient } from './kafkajs.ts';
import { kcatClient } from './kcat.ts';
import type { Publish, TestMessage } from './message.ts';

/** Those who publish. */
export const PRODUCERS = ['kafkajs', 'java', 'kcat'] as const;

/** One of {@link PRODUCERS}. */
export type ProducerName = (typeof PRODUCERS)[number];

/** A run takes seconds; several at once on a busy machine take longer. */
const END_TIMEOUT_MS = 60_000;

/** A pipeline with a worker, whose topics others fill; and these others. */
export class FilledTopics {
  readonly pipeline: TestPipeline;
  readonly worker: TestWorker;
  readonly java: JavaClient;
  /** Each publishes, and waits until readers get to see all of it. */
  readonly publish: Readonly<Record<ProducerName, Publish>>;
  /** The workflow of each run. */
  readonly runs: string[] = [];

  private constructor(pipeline: TestPipeline, worker: TestWorker, java: JavaClient) {
    this.pipeline = pipeline;
    this.worker = worker;
    this.java = java;
    this.publish = {
      kafkajs: this.#untilShown(kafkajsClient(pipeline.kafka)),
      java: this.#untilShown(java.publish),
      kcat: this.#untilShown(kcatClient(SERVERS.kafka)),
    };
  }

  /** @param sources As pipeline.yaml has them; their topics are not made. */
  static async open(
    sources: Readonly<Record<string, SourceYaml>>,
    env: Record<string, string> = {},
  ): Promise<FilledTopics> {
    const pipeline = await TestPipeline.create(sources);
    const [worker, java] = await Promise.all([
      pipeline.startWorker('one', env),
      JavaClient.start(SERVERS.kafka),
    ]);
    return new FilledTopics(pipeline, worker, java);
  }

  async close(): Promise<void> {
    await this.java.close();
    await this.pipeline.close();
  }

  topicOf(source: string): string {
    return this.pipeline.settings.sources[source]?.topic ?? '';
  }

  /** Makes a source's topic. */
  async makeTopic(
    source: string,
    partitions = 1,
    configs: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const topic = this.topicOf(source);
    const config = Object.entries(configs).map(([name, value]) => ({ name, value }));
    await ensureTopic(this.pipeline.kafka, topic, { partitions, replicationFactor: 1, config });
    return topic;
  }

  /** Waits until consumers can read a topic up to this offset: Kafka completes a transaction after confirming it. */
  async shows(topic: string, offsets: bigint): Promise<void> {
    await eventually(
      `${topic} shows ${offsets} offsets`,
      async () => (await this.#shownOf(topic)) >= offsets,
    );
  }

  #untilShown(publish: Publish): Publish {
    return async (publication, messages) => {
      const { topic } = publication;
      const all = (await this.#shownOf(topic)) + BigInt(messages.length);
      await publish(publication, messages);
      await this.shows(topic, all);
    };
  }

  /** How many offsets readers get past, over all partitions. */
  async #shownOf(topic: string): Promise<bigint> {
    const offsets = await topicOffsets(this.pipeline.kafka, topic);
    return offsets.reduce((sum, { end }) => sum + BigInt(end), 0n);
  }

  /** Runs a source to its end; a run that waits for a person fails, in time. */
  async run(source: string): Promise<IngestResult> {
    const handle = await this.pipeline.start({ source });
    this.runs.push(handle.workflowId);
    const ended = async () => (await handle.describe()).status.name !== 'RUNNING';
    await eventually(`${handle.workflowId} ends`, ended, END_TIMEOUT_MS);
    return handle.result();
  }

  /** The rows that the command line answers. */
  async query<Row>(sql: string): Promise<Row[]> {
    const { stdout, stderr } = await this.pipeline.command('query', '--json', sql);
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout) as Row[];
  }

  /** The SHA-256 of each payload of a topic that landed, sorted. */
  async landedOf(topic: string): Promise<string[]> {
    const rows = await this.query<{ sum: string }>(
      `SELECT sha256(payload) AS sum FROM deliveries WHERE kafka_topic = '${topic}' ORDER BY sum`,
    );
    return rows.map(({ sum }) => sum);
  }

  /** The offsets of the messages that a range of partition 0 gives. */
  async offsetsIn(topic: string, start: number, end: number): Promise<string[]> {
    const offsets: string[] = [];
    const ranges = [{ partition: 0, start: String(start), end: String(end) }];
    await readRanges(
      this.pipeline.kafka,
      { topic, ranges },
      {
        onMessages: (_, messages) => {
          offsets.push(...messages.map(({ offset }) => String(offset)));
          return Promise.resolve();
        },
        isFull: () => false,
        idleTimeoutMs: 5_000,
        signal: new AbortController().signal,
      },
    );
    return offsets;
  }
}

/** Attempts as messages, by the generator's seed. */
export function attemptMessages(seed: number, count: number, firstIndex = 0): TestMessage[] {
  return [...generateAttempts({ seed, count, firstIndex })].map((attempt) => ({
    key: Buffer.from(attempt.user_exam_id),
    value: Buffer.from(JSON.stringify(attempt)),
  }));
}

/** The SHA-256 of each message's payload, sorted. */
export function sumsOf(messages: readonly TestMessage[]): string[] {
  return messages
    .map(({ value }) =>
      createHash('sha256')
        .update(value ?? '')
        .digest('hex'),
    )
    .sort();
}
