import { Publisher } from './publish.ts';
import type { KafkaWithMarkers } from './client.ts';
import type { TopicShape } from './wire/create-topics.ts';
import { messageOf } from '../../model/errors.ts';

/** An idle publisher is closed after this time. */
const IDLE_MS = 2_000;

interface Idle {
  readonly topic: string;
  readonly publisher: Publisher;
  readonly timer: NodeJS.Timeout;
}

/**
 * Keeps connected publishers for the next set of messages, which mostly follows soon.
 */
export class IdlePublishers {
  readonly #options: KafkaWithMarkers;
  readonly #shape: TopicShape;
  readonly #idle = new Set<Idle>();

  /** @param shape Partitions and replication factor of a topic that is created. */
  constructor(options: KafkaWithMarkers, shape: TopicShape) {
    this.#options = options;
    this.#shape = shape;
  }

  /**
   * Calls `work` with a publisher for its exclusive use; closes the publisher if it fails.
   * @throws {PipelineError} KAFKA_UNREACHABLE, KAFKA_REFUSED, and the errors of `work`.
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
