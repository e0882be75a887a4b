import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { installProductJars } from '../../../services/install.ts';
import { JAVA_OPTIONS, requireJava } from '../../../services/tools.ts';
import type { Publication, TestMessage } from './message.ts';

const BATCH_BYTES = 900_000;

/** Kafka's own client, in one Java process for all that a test publishes with it. */
export class JavaClient {
  readonly #java: ChildProcessByStdio<Writable, Readable, null>;
  readonly #brokers: string;
  readonly #answers: (() => void)[] = [];
  readonly #died: Promise<never>;
  #opened = 0;

  private constructor(java: ChildProcessByStdio<Writable, Readable, null>, brokers: string) {
    this.#java = java;
    this.#brokers = brokers;
    this.#died = once(java, 'exit').then(([code]) => {
      throw new TypeError(`the Java client ended with ${String(code)}; see what it printed`);
    });
    // It exits eventually, and then no caller waits for a response.
    this.#died.catch(() => undefined);
    createInterface(java.stdout).on('line', () => this.#answers.shift()?.());
  }

  static async start(brokers: string): Promise<JavaClient> {
    const jars = await installProductJars('kafka', () => undefined);
    const source = join(import.meta.dirname, 'JavaProducer.java');
    const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error';
    const words = [...JAVA_OPTIONS, '-Xmx128m', quiet, '-cp', join(jars, '*'), source];
    return new JavaClient(spawn(requireJava(), words, { stdio: ['pipe', 'pipe', 'inherit'] }), brokers);
  }

  async close(): Promise<void> {
    this.#java.stdin.end();
    await this.#died.catch(() => undefined);
  }

  /** A producer, by a name for the lines below. */
  async open(settings: Readonly<Record<string, string>>): Promise<string> {
    this.#opened += 1;
    const name = `producer-${this.#opened}`;
    // All that is sent before a flush goes into one batch, if it fits.
    const all = { 'linger.ms': '60000', 'batch.size': String(BATCH_BYTES), ...settings };
    const pairs = Object.entries({ 'bootstrap.servers': this.#brokers, ...all });
    await this.tell('open', name, ...pairs.map(([setting, value]) => `${setting}=${value}`));
    return name;
  }

  async send(producer: string, topic: string, messages: readonly TestMessage[]): Promise<void> {
    for (const { partition, timestampMs, key, value, headers = [] } of messages) {
      const numbers = [partition, timestampMs].map((number) => String(number ?? '-'));
      const pairs = headers.map(([name, bytes]) => `${wordOf(Buffer.from(name))}=${wordOf(bytes)}`);
      await this.tell('send', producer, topic, ...numbers, wordOf(key ?? null), wordOf(value), ...pairs);
    }
  }

  /** Gives it one line, and waits until that is done. */
  async tell(...words: readonly string[]): Promise<void> {
    const answered = new Promise<void>((resolve) => this.#answers.push(resolve));
    this.#java.stdin.write(`${words.join(' ')}\n`);
    await Promise.race([answered, this.#died]);
  }

  readonly publish = async (
    { topic, codec, guarantee }: Publication,
    messages: readonly TestMessage[],
  ): Promise<void> => {
    const producer = await this.open({
      'compression.type': codec,
      'enable.idempotence': String(guarantee !== 'plain'),
      ...(guarantee === 'transactional' ? { 'transactional.id': `java-${topic}` } : {}),
    });
    if (guarantee === 'transactional') await this.tell('begin', producer);
    await this.send(producer, topic, messages);
    await this.tell(guarantee === 'transactional' ? 'commit' : 'flush', producer);
  };
}

/** Bytes in base64url, which holds no space, no "=" and never "-" alone. */
function wordOf(bytes: Buffer | null): string {
  return bytes === null ? '-' : bytes.toString('base64url');
}
