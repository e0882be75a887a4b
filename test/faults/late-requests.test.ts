/** A publish of which a request reaches the broker late, after the producer has given it up and gone on. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { readMarkers } from '../../adapters/kafka/marker-log.ts';
import { readRanges } from '../../adapters/kafka/read.ts';
import { ensureTopic } from '../../adapters/kafka/topics.ts';
import { kafkaClient, type KafkaOptions, type KafkaWithMarkers } from '../../adapters/kafka/client.ts';
import type { OutgoingMessage } from '../../adapters/kafka/outgoing-message.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { Random } from '../../simulator/random.ts';
import { eventually } from '../support/harness.ts';
import { API } from '../support/kafka-proxy.ts';
import { inPieces, OPTIONS } from '../support/kafka-topic.ts';
import { transactionStates } from '../support/kafka-transactions.ts';
import { ProxiedKafka } from '../support/proxied-kafka.ts';
import { publishOnce } from '../support/publish-once.ts';

const SEED = 890;
const PUBLISHES = 100;
const PARTITIONS = 3;
const MESSAGES = 24;
const VALUE_BYTES = 120;
/** Each partition then gets several requests. */
const MAX_BYTES = 1_024;
const REQUEST_TIMEOUT_MS = 250;
/** How often a set is tried before its test fails, or is given up by the step. */
const TRIES = 6;
/** Limit of the other requests before a late one arrives; some arrive after all others. */
const MAX_REQUESTS_LATE = 40;

/** The kinds of requests that are delayed, and how many earlier ones are not: from the first to the second number. */
const LATE = [
  { name: 'InitProducerId', api: API.initProducerId, spared: [0, 0] },
  { name: 'AddPartitionsToTxn', api: API.addPartitions, spared: [0, PARTITIONS] },
  { name: 'Produce', api: API.produce, spared: [0, 3] },
  { name: 'Produce of the marker', api: API.produce, spared: [4, 4] },
  { name: 'EndTxn', api: API.endTransaction, spared: [0, 0] },
] as const;

/** The fate of one set of messages. */
interface Plan {
  readonly id: string;
  readonly late: (typeof LATE)[number];
  readonly spared: number;
  /** Whether the client's connection breaks; else its request times out. */
  readonly isCut: boolean;
  readonly requestsLate: number;
  /** Whether it is tried once alone, as where a person then aborts the run. */
  readonly isGivenUp: boolean;
}

function planOf(at: number): Plan {
  const random = new Random(SEED, at);
  const late = LATE[random.below(LATE.length)] ?? LATE[0];
  const [least, most] = late.spared;
  return {
    id: `set-${at}`,
    late,
    spared: least + random.below(most - least + 1),
    isCut: random.chance(0.6),
    requestsLate: random.below(MAX_REQUESTS_LATE),
    isGivenUp: random.chance(0.25),
  };
}

function messagesOf(id: string): OutgoingMessage[] {
  return Array.from({ length: MESSAGES }, (_, at) => ({
    key: null,
    partition: Math.floor((at * PARTITIONS) / MESSAGES),
    value: Buffer.from(`${id} ${at}`.padEnd(VALUE_BYTES)),
    headers: { source: 'test' },
  }));
}

describe('late requests', { concurrency: 2 }, () => {
  for (const [brokers, verifies] of [
    ['as it is', 'true'],
    ['of before Kafka 3.6, which takes messages of a transaction that it does not know', 'false'],
  ] as const) {
    describe(`a broker ${brokers}`, () => {
      const topic = 'late';
      let broker: ProxiedKafka;
      let direct: KafkaWithMarkers;
      let proxied: KafkaWithMarkers;

      before(async () => {
        broker = await ProxiedKafka.start({ 'transaction.partition.verification.enable': verifies });
        direct = { ...OPTIONS, brokers: [broker.kafka.broker] };
        proxied = { ...OPTIONS, brokers: [broker.proxy.address], requestTimeoutMs: REQUEST_TIMEOUT_MS };
        const config = [{ name: 'max.message.bytes', value: String(MAX_BYTES) }];
        await ensureTopic(direct, topic, { partitions: PARTITIONS, replicationFactor: 1, config });
        // The first of all makes the broker's own topics.
        await publishOnce(direct, { id: 'first', topic, messages: inPieces([]) });
      });

      after(() => broker.stop());

      test(`of ${PUBLISHES} sets, each with a late request, none is split, duplicated or left open`, async (context) => {
        const due = new Set<string>();
        for (let at = 0; at < PUBLISHES; at += 1) {
          const plan = planOf(at);
          try {
            await publishWhileLate(plan);
            if (!plan.isGivenUp) due.add(plan.id);
          } catch (error) {
            throw new Error(`seed ${SEED}, ${JSON.stringify(plan)}: ${messageOf(error)}`, { cause: error });
          }
        }
        const found = await readSets();
        for (const [id, offsets] of found) {
          assert.equal(offsets.size, MESSAGES, `${id} is torn`);
          assert.deepEqual(await markerFor(id), endsOf(offsets), `the marker of ${id}`);
        }
        for (const id of due) assert.ok(found.has(id), `${id} is missing`);
        const givenUp = Array.from({ length: PUBLISHES }, (_, at) => `set-${at}`).filter(
          (id) => !found.has(id),
        );
        for (const id of givenUp) assert.deepEqual(await markerFor(id), [], `the marker of ${id}`);
        context.diagnostic(`${found.size} sets are there, and ${givenUp.length} given up are not`);
      });

      async function publishWhileLate({
        id,
        late,
        spared,
        isCut,
        requestsLate,
        isGivenUp,
      }: Plan): Promise<void> {
        let arrive = (): void => undefined;
        const until = new Promise<void>((resolve) => {
          arrive = resolve;
        });
        let left = requestsLate;
        broker.proxy.watch(() => {
          // They count from when there is something late.
          if (broker.proxy.unused > 0) return;
          left -= 1;
          if (left < 0) arrive();
        });
        broker.proxy.plan(late.api, { kind: 'late', until, isCut }, 1, spared);
        await publishPatiently(id, isGivenUp);
        assert.equal(broker.proxy.unused, 0, 'the fault was not met');
        arrive();
        await broker.proxy.lateAnswered();
        await eventually(`the transaction of ${id} ends`, () => isOver(direct, id));
      }

      /** Publishes until it succeeds; or, to give up, until the attempt whose request is late has failed. */
      async function publishPatiently(id: string, isGivenUp: boolean): Promise<void> {
        const failures: string[] = [];
        while (failures.length < TRIES) {
          try {
            await publishOnce(proxied, { id, topic, messages: inPieces(messagesOf(id)) });
            return;
          } catch (error) {
            if (!(error instanceof PipelineError)) throw error;
            // On a busy machine, another request can time out first.
            if (isGivenUp && broker.proxy.unused === 0) return;
            failures.push(`${error.code}: ${error.message}`);
          }
        }
        assert.fail(failures.join('\n'));
      }

      /** The sets that can be read, and where each of their messages is, by its number. */
      async function readSets(): Promise<Map<string, Map<number, string>>> {
        const producer = kafkaClient(direct, 'last').producer();
        await producer.connect();
        const last = Array.from({ length: PARTITIONS }, (_, partition) => ({ partition, value: 'last' }));
        const sent = await producer.send({ topic, messages: last });
        await producer.disconnect();
        // Messages after an open transaction are not returned.
        const ranges = sent.map(({ partition, baseOffset = '' }) => ({
          partition,
          start: '0',
          end: baseOffset,
        }));
        const found = new Map<string, Map<number, string>>();
        const add = (text: string, place: string): void => {
          const [id = '', number = ''] = text.trim().split(' ');
          const offsets = found.get(id) ?? new Map<number, string>();
          assert.ok(!offsets.has(Number(number)), `${text.trim()} is there twice`);
          found.set(id, offsets.set(Number(number), place));
        };
        await readRanges(
          direct,
          { topic, ranges },
          {
            onMessages: (partition, messages) => {
              for (const { value, offset } of messages) add(String(value), `${partition}:${offset}`);
              return Promise.resolve();
            },
            isFull: () => false,
            idleTimeoutMs: 5_000,
            signal: new AbortController().signal,
          },
        );
        return found;
      }

      async function markerFor(id: string): Promise<string[]> {
        const marker = (await readMarkers(direct, topic, [id])).get(id) ?? new Map();
        return [...marker].map(([partition, { end }]) => `${partition}:${end}`).sort();
      }
    });
  }
});

async function isOver(options: KafkaOptions, id: string): Promise<boolean> {
  const state = (await transactionStates(options)).get(`publish:${id}`);
  return state === undefined || ['Empty', 'CompleteCommit', 'CompleteAbort'].includes(state);
}

/** For each partition the offset after its last one. */
function endsOf(offsets: ReadonlyMap<number, string>): string[] {
  const ends = new Map<number, bigint>();
  for (const place of offsets.values()) {
    const [partition = '', offset = ''] = place.split(':');
    const end = BigInt(offset) + 1n;
    if (end > (ends.get(Number(partition)) ?? 0n)) ends.set(Number(partition), end);
  }
  return [...ends].map(([partition, end]) => `${partition}:${end}`).sort();
}
