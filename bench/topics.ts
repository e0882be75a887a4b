import { join } from 'node:path';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { z } from 'zod';
import type { Stack } from '../services/stack.ts';
import type { Data } from './data.ts';
import { runMeasured, type Measured } from './measure.ts';

const PARTITIONS = 6;

const Printed = z.strictObject({ seconds: z.number() });

/** The topics of the benches: six partitions each, without compression. */
export class Topics {
  readonly broker: string;
  readonly #stack: Stack;
  readonly #folder: string;
  readonly #filled = new Set<string>();
  #made = 0;

  constructor(stack: Stack, folder: string) {
    this.#stack = stack;
    this.#folder = folder;
    this.broker = stack.kafka.brokers.join(',');
  }

  /** Creates a topic, and returns its name. */
  async make(topic: string, partitions = PARTITIONS): Promise<string> {
    await this.#withAdmin((admin) =>
      admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }] }),
    );
    return topic;
  }

  /** Creates a topic with a unique name. */
  async makeNew(partitions?: number): Promise<string> {
    this.#made += 1;
    return this.make(`bench-${this.#made}`, partitions);
  }

  async remove(topic: string): Promise<void> {
    this.#filled.delete(topic);
    await this.#withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
  }

  /** Returns a topic with the given number of copies of the data; fills it the first time. */
  async filled(data: Data, copies: number, name = `bench-x${copies}`): Promise<string> {
    if (this.#filled.has(name)) return name;
    await this.make(name);
    await this.fill(name, (await data.file(copies, 'lines')).path);
    this.#filled.add(name);
    return name;
  }

  /** Sends a file of lines in a plain loop; returns the seconds from the first send to the end of the last. */
  async fill(topic: string, file: string): Promise<Measured> {
    const script = join(import.meta.dirname, 'peers/plain-producer.ts');
    const { measured, stdout } = await runMeasured(this.#stack, {
      program: process.execPath,
      args: ['--import', import.meta.resolve('tsx'), script, this.broker, topic, file],
      folder: join(this.#folder, 'plain-producer'),
    });
    return { ...measured, seconds: Printed.parse(JSON.parse(stdout)).seconds };
  }

  /** Sends a few messages. */
  async append(topic: string, values: readonly Buffer[]): Promise<void> {
    const producer = this.#client().producer();
    await producer.connect();
    try {
      await producer.send({ topic, messages: values.map((value) => ({ value })) });
    } finally {
      await producer.disconnect();
    }
  }

  #client(): Kafka {
    return new Kafka({ brokers: [this.broker], logLevel: logLevel.ERROR });
  }

  async #withAdmin(use: (admin: Admin) => Promise<unknown>): Promise<void> {
    const admin = this.#client().admin();
    await admin.connect();
    try {
      await use(admin);
    } finally {
      await admin.disconnect();
    }
  }
}
