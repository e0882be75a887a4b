import assert from 'node:assert/strict';
import type { Message } from 'kafkajs';
import { kafkaClient, topicOffsets } from '../../adapters/kafka/client.ts';
import { decodeHeaders } from '../../adapters/kafka/wire/headers.ts';
import { readRanges } from '../../adapters/kafka/read.ts';
import { ensureTopic } from '../../adapters/kafka/topics.ts';
import type { WarehouseReport } from '../../client/verify/verify-warehouse.ts';
import type { IngestResult } from '../../model/run.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import type { TestPipeline } from './harness.ts';
import { eventually } from './harness.ts';

/** A Kafka message, as tests compare it. */
export interface ReadMessage {
  readonly offset: string;
  readonly key: string | null;
  readonly value: Buffer | null;
  /** The values of each header, in order. */
  readonly headers: Readonly<Record<string, string[]>>;
}

/** A row of `pipeline quarantine list --json`. */
export interface ListedRow {
  readonly reference: string;
  readonly reason: string;
  readonly path: string;
  readonly step: string;
  readonly size: number;
  readonly replayed_as: string | null;
}

/** Output of `pipeline quarantine list --json`. */
export interface Listed {
  readonly summary: {
    readonly count: number;
    readonly replayed: number;
    readonly others: number;
    readonly reasons: readonly { readonly path: string; readonly reason: string; readonly count: number }[];
  };
  readonly rows: readonly ListedRow[];
}

/** Valid attempts. */
export function goodAttempts(seed: number, count: number): object[] {
  return [...generateAttempts({ seed, count })];
}

/** Attempts that are quarantined, since a field is not a number. */
export function badAttempts(seed: number, count: number): object[] {
  return goodAttempts(seed, count).map((attempt) => ({ ...attempt, max_attempts: 'many' }));
}

/** A pipeline whose topic `other` is filled by other producers, and commands over its quarantine. */
export class QuarantinedTopic {
  readonly pipeline: TestPipeline;
  readonly topic: string;

  constructor(pipeline: TestPipeline, source = 'other') {
    this.pipeline = pipeline;
    this.topic = pipeline.settings.sources[source]?.topic ?? '';
  }

  /** Creates the topic with one partition. */
  async make(): Promise<void> {
    await ensureTopic(this.pipeline.kafka, this.topic, { partitions: 1, replicationFactor: 1 });
  }

  async publish(...messages: readonly Message[]): Promise<void> {
    const producer = kafkaClient(this.pipeline.kafka, 'others').producer({ idempotent: true });
    await producer.connect();
    await producer.send({ topic: this.topic, messages: [...messages] });
    await producer.disconnect();
  }

  async publishAll(values: readonly object[]): Promise<void> {
    await this.publish(...values.map((value) => ({ value: Buffer.from(JSON.stringify(value)) })));
  }

  /** Runs a source to its end. */
  async run(source = 'other'): Promise<IngestResult> {
    const handle = await this.pipeline.start({ source });
    const ended = async () => (await handle.describe()).status.name !== 'RUNNING';
    await eventually(`${handle.workflowId} ends`, ended, 60_000);
    return handle.result();
  }

  /** Runs `pipeline quarantine …`, which must exit with 0. */
  async quarantine(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.pipeline.command('quarantine', ...words);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  }

  async list(...words: string[]): Promise<Listed> {
    return JSON.parse(await this.quarantine('list', '--json', ...words)) as Listed;
  }

  /** Runs `verify`, which must find nothing. */
  async verify(): Promise<WarehouseReport> {
    const { code, stdout, stderr } = await this.pipeline.command('verify', '--json');
    assert.equal(code, 0, stdout + stderr);
    return JSON.parse(stdout) as WarehouseReport;
  }

  /** Returns the committed messages of a partition. */
  async messages(partition = 0): Promise<ReadMessage[]> {
    const found: ReadMessage[] = [];
    const [{ end } = { end: '0' }] = (await topicOffsets(this.pipeline.kafka, this.topic)).filter(
      (offsets) => offsets.partition === partition,
    );
    if (end === '0') return found;
    await readRanges(
      this.pipeline.kafka,
      { topic: this.topic, ranges: [{ partition, start: '0', end }] },
      {
        onMessages: (_, messages) => {
          for (const { offset, key, value, headers } of messages) {
            const texts: Record<string, string[]> = {};
            for (const [name, text] of decodeHeaders(headers).headers)
              (texts[name] ??= []).push(String(text));
            const copied = value === null ? null : Buffer.from(value);
            found.push({
              offset: String(offset),
              key: key === null ? null : String(key),
              value: copied,
              headers: texts,
            });
          }
          return Promise.resolve();
        },
        isFull: () => false,
        idleTimeoutMs: 5_000,
        signal: new AbortController().signal,
      },
    );
    return found;
  }
}
