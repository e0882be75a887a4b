import { Publisher } from './publish.ts';
import type { KafkaOptions } from './client.ts';
import type { TopicShape } from './wire/create-topics.ts';
import { messageOf } from '../../model/errors.ts';

/** A publisher that nobody uses is closed after this. */
const IDLE_MS = 2_000;

interface Idle {
  readonly topic: string;
  readonly publisher: Publisher;
  readonly timer: NodeJS.Timeout;
}

/**
 * Keeps publishers for the next set of messages: mostly one set follows the other, and to connect anew takes as long
 * as to publish one.
 */
export class IdlePublishers {
  readonly #options: KafkaOptions;
  readonly #shape: TopicShape;
  readonly #idle = new Set<Idle>();

  /** @param shape How a topic is made if there is none. */
  constructor(options: KafkaOptions, shape: TopicShape) {
    this.#options = options;
    this.#shape = shape;
  }

  /**
   * Works with a publisher that nobody else uses meanwhile. After a failure it is not used again.
   * @throws {PipelineError} KAFKA_UNREACHABLE, KAFKA_REFUSED; and what the work throws
   */
  async use<T>(topic: string, work: (publisher: Publisher) => Promise<T>): Promise<T> {
    const publisher = this.#take(topic) ?? (await Publisher.open(this.#options, topic, this.#shape));
    try {
      const result = await work(publisher);
      this.#keep(topic, publisher);
      return result;
    } catch (error) {
      await publisher.close();
      throw error;
    }
  }

  #take(topic: string): Publisher | undefined {
    const found = [...this.#idle].find((idle) => idle.topic === topic);
    if (found === undefined) return undefined;
    clearTimeout(found.timer);
    this.#idle.delete(found);
    return found.publisher;
  }

  #keep(topic: string, publisher: Publisher): void {
    const timer = setTimeout(() => {
      this.#idle.delete(idle);
      publisher.close().catch((error: unknown) => {
        this.#options.logger.debug({ topic, error: messageOf(error) }, 'an idle publisher was not closed');
      });
    }, IDLE_MS);
    const idle = { topic, publisher, timer };
    this.#idle.add(idle);
  }
}
