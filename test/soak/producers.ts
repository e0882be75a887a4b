import type { Producer } from 'kafkajs';
import { kafkaClient } from '../../adapters/kafka/client.ts';
import type { TestPipeline } from '../support/harness.ts';
import type { SentRecord, Times } from './ledger.ts';
import type { Ending } from './plan.ts';

const TRANSACTION_TIMEOUT_MS = 15_000;
const ONCE: Times = { min: 1, max: 1 };
const NEVER: Times = { min: 0, max: 0 };
/** The producer got no response: the outcome is unknown. */
const IN_DOUBT: Times = { min: 0, max: 1 };

/** Another producer of a topic, independent of the pipeline. */
export class OtherProducer {
  readonly #pipeline: TestPipeline;
  readonly #topic: string;
  #count = 0;

  constructor(pipeline: TestPipeline, topic: string) {
    this.#pipeline = pipeline;
    this.#topic = topic;
  }

  /**
   * Sends records in one request.
   * @returns How often they are in the topic afterwards.
   */
  async send(records: readonly SentRecord[], ending: Ending): Promise<Times> {
    const client = kafkaClient(this.#pipeline.kafka, 'others');
    this.#count += 1;
    const id = { transactionalId: `others-${this.#count}`, transactionTimeout: TRANSACTION_TIMEOUT_MS };
    const producer = client.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      ...(ending === 'plain' ? {} : id),
    });
    try {
      await producer.connect();
    } catch {
      // The plan takes brokers down; this one never received the records.
      return NEVER;
    }
    try {
      return ending === 'plain'
        ? await this.#sendPlain(producer, records)
        : await this.#sendInTransaction(producer, records, ending);
    } finally {
      await producer.disconnect().catch(() => undefined);
    }
  }

  async #sendPlain(producer: Producer, records: readonly SentRecord[]): Promise<Times> {
    try {
      await producer.send({ topic: this.#topic, messages: messagesOf(records) });
      return ONCE;
    } catch {
      return IN_DOUBT;
    }
  }

  async #sendInTransaction(
    producer: Producer,
    records: readonly SentRecord[],
    ending: Exclude<Ending, 'plain'>,
  ): Promise<Times> {
    try {
      const transaction = await producer.transaction();
      await transaction.send({ topic: this.#topic, messages: messagesOf(records) });
      if (ending === 'abandon') return NEVER;
      if (ending === 'commit') return await commit(transaction);
      await transaction.abort();
      return NEVER;
    } catch {
      // Without a commit the broker aborts it after its timeout.
      return NEVER;
    }
  }
}

async function commit(transaction: { commit: () => Promise<void> }): Promise<Times> {
  try {
    await transaction.commit();
    return ONCE;
  } catch {
    return IN_DOUBT;
  }
}

function messagesOf(records: readonly SentRecord[]): { value: Buffer }[] {
  return records.map(({ bytes }) => ({ value: bytes }));
}
