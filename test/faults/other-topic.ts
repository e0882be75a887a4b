import assert from 'node:assert/strict';
import type { WorkflowHandle } from '@temporalio/client';
import { kafkaClient, withAdmin } from '../../adapters/kafka/client.ts';
import type { IngestResult, Waiting } from '../../model/run.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import type { FeedAttempt } from '../../simulator/attempt.ts';
import type { ingest } from '../../workflows/index.ts';
import { hasEnded } from './faulty-pipeline.ts';
import { TestPipeline, eventually, queryStatus, type IngestHandle } from '../support/harness.ts';

/** The value of a message: an attempt, or any text. */
export type SentValue = object | string;

const MESSAGES_A_REQUEST = 100;

/** A pipeline with one source, `other`, whose topic others fill: one partition, so that a test knows the offsets. */
export class OtherTopic {
  readonly pipeline: TestPipeline;
  readonly topic: string;

  private constructor(pipeline: TestPipeline) {
    this.pipeline = pipeline;
    this.topic = pipeline.settings.sources['other']?.topic ?? '';
  }

  /** @param more, ofWorkers As those of a {@link TestPipeline}. */
  static async create(...more: readonly Readonly<Record<string, object>>[]): Promise<OtherTopic> {
    const other = new OtherTopic(await TestPipeline.create({ other: {} }, ...more));
    await other.make();
    return other;
  }

  /** Makes the topic; also where one of its name is just being deleted. */
  async make(): Promise<void> {
    const topics = [{ topic: this.topic, numPartitions: 1 }];
    await withAdmin(this.pipeline.kafka, async (admin) => {
      await eventually('the topic is made', () => admin.createTopics({ waitForLeaders: false, topics }));
      await eventually('the topic has leaders', () =>
        admin.fetchTopicOffsets(this.topic).then(
          () => true,
          () => false,
        ),
      );
    });
  }

  async delete(): Promise<void> {
    await withAdmin(this.pipeline.kafka, async (admin) => {
      await admin.deleteTopics({ topics: [this.topic] });
      await eventually('the topic is gone', async () => !(await admin.listTopics()).includes(this.topic));
    });
  }

  /** Deletes the messages before an offset, as retention does. */
  async deleteBefore(offset: number): Promise<void> {
    await withAdmin(this.pipeline.kafka, async (admin) => {
      // Without a look at the topic first, kafkajs does not know where its records are.
      await admin.fetchTopicOffsets(this.topic);
      const partitions = [{ partition: 0, offset: String(offset) }];
      await admin.deleteTopicRecords({ topic: this.topic, partitions });
    });
  }

  async publish(sent: readonly SentValue[]): Promise<void> {
    const producer = kafkaClient(this.pipeline.kafka, 'others').producer({ idempotent: true });
    await producer.connect();
    // A request holds about a megabyte at most.
    for (let at = 0; at < sent.length; at += MESSAGES_A_REQUEST) {
      const messages = messagesOf(sent.slice(at, at + MESSAGES_A_REQUEST));
      await producer.send({ topic: this.topic, messages });
    }
    await producer.disconnect();
  }

  /** Publishes each in its own transaction with the given ending; each transaction marker has an offset too. */
  async publishInTransactions(
    all: readonly { sent: readonly SentValue[]; end: 'commit' | 'abort' }[],
  ): Promise<void> {
    const producer = kafkaClient(this.pipeline.kafka, 'others').producer({
      transactionalId: this.topic,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    for (const { sent, end } of all) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: this.topic, messages: messagesOf(sent) });
      await transaction[end]();
    }
    await producer.disconnect();
  }

  async start(): Promise<IngestHandle> {
    return this.pipeline.start({ source: 'other' });
  }

  /** Runs to the end. */
  async run(): Promise<IngestResult> {
    return waitForResult(await this.start());
  }

  /** Returns what a run waits for a decision for, and aborts the run. */
  async refusal(): Promise<Waiting> {
    const run = await this.start();
    await eventually('the run waits', async () => (await queryStatus(run)).state === 'waiting', 60_000);
    const { waiting } = await queryStatus(run);
    assert(waiting !== null);
    await run.executeUpdate('abort');
    await assert.rejects(run.result());
    return waiting;
  }

  async query(sql: string): Promise<unknown> {
    const { stdout, stderr } = await this.pipeline.command('query', '--json', sql);
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout);
  }
}

/** Waits for a run's end; fails when it waits for a person, as it would for ever. */
export async function waitForResult(run: WorkflowHandle<typeof ingest>): Promise<IngestResult> {
  await eventually(`${run.workflowId} ends`, () => hasEnded(run), 300_000);
  return run.result();
}

/** Attempts, as a customer sends them. */
export function someAttempts(seed: number, count: number): FeedAttempt[] {
  return [...generateAttempts({ seed, count })];
}

function messagesOf(sent: readonly SentValue[]): { value: string }[] {
  return sent.map((one) => ({ value: typeof one === 'string' ? one : JSON.stringify(one) }));
}
