import type Cluster from 'kafkajs/src/cluster/index.js';
import type { Broker, CoordinatorAsked } from 'kafkajs/src/cluster/index.js';
import createEosManager, {
  type CoordinatorFinder,
  type EosManager,
} from 'kafkajs/src/producer/eosManager/index.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import produceResponse, { type ProduceAnswer } from 'kafkajs/src/protocol/requests/produce/v3/response.js';
import { PipelineError } from '../../../model/errors.ts';
import type { Offset } from '../../../model/references.ts';
import { mapConcurrent } from '../../../lib/map-concurrent.ts';
import type { OpenCluster } from './cluster.ts';
import { sendRequest, type BufferedRequest } from './send-request.ts';
import type { RecordBatch } from './record-batch.ts';
import { REQUEST_TIMEOUT_MS, brokerErrorType, isFenced } from '../errors.ts';

/** `transaction.timeout.ms`: the broker aborts a transaction that is open for longer. */
const TRANSACTION_TIMEOUT_MS = 60_000;

/** The first version for message format 2 and transactions, and the oldest one that Kafka 4 supports (KIP-896). */
const PRODUCE = { apiKey: 0, apiVersion: 3, apiName: 'Produce' } as const;
const ALL_REPLICAS = -1;
/** A `key_type` of FindCoordinator. */
const TRANSACTION_COORDINATOR = 1;

/**
 * Finds the coordinator of a transaction. kafkajs sends FindCoordinator before each request; here the coordinator is
 * pinned once the transaction has begun (it fails if the coordinator moves).
 */
class TransactionCoordinator implements CoordinatorFinder {
  readonly #cluster: Cluster;
  #transactionCoordinator: Broker | undefined;
  #isPinned = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  refreshMetadataIfNecessary(): Promise<void> {
    return this.#cluster.refreshMetadataIfNecessary();
  }

  async findGroupCoordinator(asked: CoordinatorAsked): Promise<Broker> {
    // Reconnects if the connection was lost.
    if (this.#isPinned && this.#transactionCoordinator !== undefined)
      return this.#cluster.findBroker({ nodeId: this.#transactionCoordinator.nodeId });
    this.#transactionCoordinator = await this.#cluster.findGroupCoordinator(asked);
    return this.#transactionCoordinator;
  }

  /** Keeps using the transaction coordinator that was found last. */
  pin(): void {
    this.#isPinned = true;
  }

  /** Looks up the transaction coordinator again for the next request. */
  unpin(): void {
    this.#isPinned = false;
  }
}

/** The position that the broker assigned to a batch. */
export interface StoredBatch {
  readonly partition: number;
  /** The offset of its first record. */
  readonly firstOffset: Offset;
}

/**
 * One transaction of one producer, over kafkajs's cluster and producer state (EosManager). Produce requests and batches
 * are encoded here (see {@link RecordBatch}); kafkajs sends the transaction's other requests.
 *
 * After the first failed request nothing more is sent in this producer epoch. A request that timed out, or whose connection
 * broke, can reach the broker later; in the same epoch it would be added to the transaction that is open then, or begin one
 * that is left hanging (KIP-890). In a new epoch the broker refuses it.
 */
export class PublishTransaction {
  readonly #open: OpenCluster;
  readonly #cluster: Cluster;
  readonly #coordinator: TransactionCoordinator;
  readonly #producer: EosManager;
  readonly #id: string;
  /** The error of the first request that failed. */
  #failure: { readonly error: unknown } | undefined;

  private constructor(
    open: OpenCluster,
    coordinator: TransactionCoordinator,
    producer: EosManager,
    id: string,
  ) {
    this.#open = open;
    this.#cluster = open.cluster;
    this.#coordinator = coordinator;
    this.#producer = producer;
    this.#id = id;
  }

  /**
   * Begins a transaction (InitProducerId), which fences every older producer of the same transactional id and aborts its
   * open transaction.
   * @param open A connected cluster.
   */
  static async begin(open: OpenCluster, id: string): Promise<PublishTransaction> {
    try {
      const coordinator = new TransactionCoordinator(open.cluster);
      const producer = await newEpoch(open, coordinator, id);
      coordinator.pin();
      producer.beginTransaction();
      return new PublishTransaction(open, coordinator, producer, id);
    } catch (error) {
      throw (await findAuthorizationError(open.cluster, id)) ?? error;
    }
  }

  /** The producer id, as in the batches. */
  get producerId(): bigint {
    return BigInt(this.#producer.getProducerId());
  }

  /** Adds partitions to the transaction ahead of {@link send} (AddPartitionsToTxn), unless they are in it. */
  async addPartitions(topic: string, partitions: readonly number[]): Promise<void> {
    await this.#cluster.addTargetTopic(topic);
    await this.#cluster.refreshMetadataIfNecessary();
    const topics = [{ topic, partitions: partitions.map((partition) => ({ partition })) }];
    await this.#request(() => this.#producer.addPartitionsToTransaction(topics));
  }

  /** Sends one batch per partition, with one Produce request per leader, concurrently. */
  async send(topic: string, batches: ReadonlyMap<number, RecordBatch>): Promise<StoredBatch[]> {
    const partitions = [...batches.keys()];
    await this.addPartitions(topic, partitions);
    const sealed = [...batches].map(([partition, batch]) => ({
      partition,
      bytes: this.#seal(topic, partition, batch),
    }));
    const byLeader = Object.entries(this.#cluster.findLeaderForPartitions(topic, partitions));
    const answers = await mapConcurrent(byLeader.length, byLeader, async ([nodeId, led]) => {
      const broker = await this.#cluster.findBroker({ nodeId });
      const parts = sealed.filter(({ partition }) => led.includes(partition));
      return this.#request(() => sendRequest(broker, this.#produce(topic, parts)));
    });
    const stored = answers
      .flatMap(({ topics }) => topics.flatMap((answer) => answer.partitions))
      .map(({ partition, baseOffset }) => ({ partition, firstOffset: baseOffset }));
    // kafkajs omits partitions without a known leader.
    if (stored.length === batches.size) return stored;
    const missing = batches.size - stored.length;
    throw new PipelineError(
      'KAFKA_UNREACHABLE',
      `topic ${topic}: ${missing} of its partitions have no leader`,
    );
  }

  /**
   * Commits the transaction (EndTxn). After a failure the outcome is unknown: call {@link abort}, which bumps the epoch,
   * then look for the marker.
   */
  async commit(): Promise<void> {
    await this.#request(() => this.#producer.commit());
  }

  /**
   * Aborts the transaction, unless it was committed or fenced by a newer producer. After a failed request it bumps the
   * epoch instead, which has the broker abort an open transaction, complete a commit that reached it, and refuse requests
   * that arrive late.
   */
  async abort(): Promise<void> {
    if (this.#failure === undefined && this.#producer.isInTransaction()) {
      this.#coordinator.unpin();
      // A failure is recorded in #failure; the new epoch below aborts then.
      await this.#request(() => this.#producer.abort()).catch(() => undefined);
    }
    if (this.#failure === undefined || isFenced(this.#failure.error)) return;
    this.#coordinator.unpin();
    await newEpoch(this.#open, this.#coordinator, this.#id);
  }

  /** Sends a request in this epoch, unless an earlier one has failed; see {@link PublishTransaction}. */
  async #request<T>(send: () => Promise<T>): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      return await send();
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }

  #seal(topic: string, partition: number, batch: RecordBatch): Buffer {
    const firstSequence = this.#producer.getSequence(topic, partition);
    this.#producer.updateSequence(topic, partition, batch.records);
    const id = BigInt(this.#producer.getProducerId());
    return batch.seal({ id, epoch: this.#producer.getProducerEpoch(), firstSequence }, Date.now());
  }

  /**
   * Encodes a Produce request. Format: https://kafka.apache.org/protocol#The_Messages_Produce
   *
   * | Request (v3)     | Type            | Bytes |                       |
   * | ---------------- | --------------- | ----: | --------------------- |
   * | transactional_id | NULLABLE_STRING | 2 + n |                       |
   * | acks             | INT16           |     2 | -1: all               |
   * | timeout_ms       | INT32           |     4 |                       |
   * | topic_data       | ARRAY           |     4 | 1                     |
   * | – name           | STRING          | 2 + n |                       |
   * | – partition_data | ARRAY           |     4 |                       |
   * | – – index        | INT32           |     4 |                       |
   * | – – records      | BYTES           | 4 + n | {@link RecordBatch}   |
   *
   * kafkajs decodes the response:
   *
   * | Response (v3)            | Type   | Bytes |
   * | ------------------------ | ------ | ----: |
   * | responses                | ARRAY  |     4 |
   * | – name                   | STRING | 2 + n |
   * | – partition_responses    | ARRAY  |     4 |
   * | – – index                | INT32  |     4 |
   * | – – error_code           | INT16  |     2 |
   * | – – base_offset          | INT64  |     8 |
   * | – – log_append_time_ms   | INT64  |     8 |
   * | throttle_time_ms         | INT32  |     4 |
   */
  #produce(
    topic: string,
    sealed: readonly { readonly partition: number; readonly bytes: Buffer }[],
  ): BufferedRequest<ProduceAnswer> {
    const head = new Encoder()
      .writeString(this.#id)
      .writeInt16(ALL_REPLICAS)
      .writeInt32(REQUEST_TIMEOUT_MS)
      .writeInt32(1)
      .writeString(topic)
      .writeInt32(sealed.length).buffer;
    const parts = sealed.flatMap(({ partition, bytes }) => [
      new Encoder(8).writeInt32(partition).writeInt32(bytes.length).buffer,
      bytes,
    ]);
    return { request: PRODUCE, parts: [head, ...parts], response: produceResponse };
  }
}

/** Bumps the epoch of a transactional id (InitProducerId); resolves once its earlier transaction is aborted or committed. */
async function newEpoch(
  { logger }: OpenCluster,
  coordinator: CoordinatorFinder,
  transactionalId: string,
): Promise<EosManager> {
  const producer = createEosManager({
    logger,
    cluster: coordinator,
    transactionTimeout: TRANSACTION_TIMEOUT_MS,
    transactional: true,
    transactionalId,
  });
  await producer.initProducerId();
  return producer;
}

/** Sends FindCoordinator again, since kafkajs drops the error of the lookup; returns an authorization error. */
async function findAuthorizationError(cluster: Cluster, id: string): Promise<unknown> {
  try {
    const broker = await cluster.brokerPool.findConnectedBroker();
    await broker.findGroupCoordinator({ groupId: id, coordinatorType: TRANSACTION_COORDINATOR });
    return undefined;
  } catch (error) {
    return brokerErrorType(error)?.endsWith('_AUTHORIZATION_FAILED') === true ? error : undefined;
  }
}
