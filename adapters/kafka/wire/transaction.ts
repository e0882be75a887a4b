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

/** What a transaction that nobody ends is aborted after by the broker. */
const TRANSACTION_TIMEOUT_MS = 60_000;

/** The oldest version of this request that the brokers of today take. */
const PRODUCE = { apiKey: 0, apiVersion: 3, apiName: 'Produce' } as const;
const ALL_REPLICAS = -1;
/** What kind of coordinator is asked for. */
const GROUP_COORDINATOR = 0;
const TRANSACTION_COORDINATOR = 1;

/**
 * Finds the coordinators of a transaction. The client asks before each request where they are; a transaction that has
 * begun stays with the one that began it, and where that one no longer is it, the transaction fails. That of a group
 * can be asked for before it is needed.
 */
class Coordinators implements CoordinatorFinder {
  readonly #cluster: Cluster;
  #transactionCoordinator: Broker | undefined;
  #isPinned = false;
  readonly #groupCoordinators = new Map<string, Promise<Broker>>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  refreshMetadataIfNecessary(): Promise<void> {
    return this.#cluster.refreshMetadataIfNecessary();
  }

  async findGroupCoordinator(asked: CoordinatorAsked): Promise<Broker> {
    if (asked.coordinatorType !== TRANSACTION_COORDINATOR) {
      const found = this.#groupCoordinators.get(asked.groupId);
      // Where it proves to be another, the client asks once more.
      this.#groupCoordinators.delete(asked.groupId);
      return found ?? this.#cluster.findGroupCoordinator(asked);
    }
    // The client looks whether the connection to it still is.
    if (this.#isPinned && this.#transactionCoordinator !== undefined)
      return this.#cluster.findBroker({ nodeId: this.#transactionCoordinator.nodeId });
    this.#transactionCoordinator = await this.#cluster.findGroupCoordinator(asked);
    return this.#transactionCoordinator;
  }

  /** Asks for that of a group now. */
  prefetchGroupCoordinator(groupId: string): void {
    const found = this.#cluster.findGroupCoordinator({ groupId, coordinatorType: GROUP_COORDINATOR });
    // Whoever needs it hears of it.
    found.catch(() => undefined);
    this.#groupCoordinators.set(groupId, found);
  }

  /** Goes on with the one that was found last. */
  pin(): void {
    this.#isPinned = true;
  }

  /** Asks again. */
  unpin(): void {
    this.#isPinned = false;
  }
}

/** Where a batch came to stand. */
export interface StoredBatch {
  readonly partition: number;
  /** The offset of its first record. */
  readonly firstOffset: Offset;
}

/**
 * One transaction of one producer, over the client's own cluster and state of a producer. Batches are encoded here
 * (see {@link RecordBatch}); all else is the client's.
 *
 * After the first request that fails, nothing is sent in this epoch of the producer. A request that timed out, or whose
 * connection broke, can reach the broker later; in the same epoch it would be counted to whatever transaction is open
 * then, or open one that nobody ends (KIP-890). In a new epoch the broker refuses it.
 */
export class PublishTransaction {
  readonly #open: OpenCluster;
  readonly #cluster: Cluster;
  readonly #coordinators: Coordinators;
  readonly #producer: EosManager;
  readonly #id: string;
  /** Of the first request that failed. */
  #failure: { readonly error: unknown } | undefined;

  private constructor(open: OpenCluster, coordinators: Coordinators, producer: EosManager, id: string) {
    this.#open = open;
    this.#cluster = open.cluster;
    this.#coordinators = coordinators;
    this.#producer = producer;
    this.#id = id;
  }

  /**
   * Begins one, which fences every older producer of the same id, and aborts what it left open.
   * @param open Connected.
   */
  static async begin(open: OpenCluster, id: string): Promise<PublishTransaction> {
    try {
      const coordinators = new Coordinators(open.cluster);
      const producer = await newEpoch(open, coordinators, id);
      coordinators.pin();
      producer.beginTransaction();
      return new PublishTransaction(open, coordinators, producer, id);
    } catch (error) {
      throw (await findAuthorizationError(open.cluster, id)) ?? error;
    }
  }

  /** Kafka's id of its producer, which its messages have too. */
  get producerId(): bigint {
    return BigInt(this.#producer.getProducerId());
  }

  /** Makes partitions part of it, as far as they are not: what is sent to them then takes less long. */
  async addPartitions(topic: string, partitions: readonly number[]): Promise<void> {
    await this.#cluster.addTargetTopic(topic);
    await this.#cluster.refreshMetadataIfNecessary();
    const topics = [{ topic, partitions: partitions.map((partition) => ({ partition })) }];
    await this.#request(() => this.#producer.addPartitionsToTransaction(topics));
  }

  /** Sends one batch for each of some partitions, to their leaders at once. */
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
    // The client passes over a partition that it knows no leader of.
    if (stored.length === batches.size) return stored;
    const missing = batches.size - stored.length;
    throw new PipelineError(
      'KAFKA_UNREACHABLE',
      `topic ${topic}: ${missing} of its partitions have no leader`,
    );
  }

  /** Says of which consumer group offsets are going to be committed: then that takes less long. */
  prefetchGroupCoordinator(consumerGroupId: string): void {
    this.#coordinators.prefetchGroupCoordinator(consumerGroupId);
  }

  /** Commits offsets of a consumer group with the transaction. */
  async sendOffsets(
    consumerGroupId: string,
    topic: string,
    partitions: readonly {
      readonly partition: number;
      readonly offset: Offset;
      readonly metadata?: string;
    }[],
  ): Promise<void> {
    const offsets = { consumerGroupId, topics: [{ topic, partitions }] };
    await this.#request(() => this.#producer.sendOffsets(offsets));
  }

  /**
   * Commits it. After a failure only a newer epoch can tell whether it was committed: {@link abort}, then look for what
   * it would have committed.
   */
  async commit(): Promise<void> {
    await this.#request(() => this.#producer.commit());
  }

  /**
   * Aborts it, unless it was committed or fenced by a newer producer. After a failed request it takes a new epoch, which
   * has the broker abort what is open, complete a commit that reached it, and refuse whatever arrives late.
   */
  async abort(): Promise<void> {
    if (this.#failure === undefined && this.#producer.isInTransaction()) {
      this.#coordinators.unpin();
      // A failure is recorded, and the new epoch does the same.
      await this.#request(() => this.#producer.abort()).catch(() => undefined);
    }
    if (this.#failure === undefined || isFenced(this.#failure.error)) return;
    this.#coordinators.unpin();
    await newEpoch(this.#open, this.#coordinators, this.#id);
  }

  /** Sends a request in this epoch, unless another one has failed: see {@link PublishTransaction}. */
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

  /** Format: kafka.apache.org/protocol */
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

/** Takes a new epoch for a transactional id; returns when what was open before is aborted or committed. */
async function newEpoch(
  { logger }: OpenCluster,
  coordinators: CoordinatorFinder,
  transactionalId: string,
): Promise<EosManager> {
  const producer = createEosManager({
    logger,
    cluster: coordinators,
    transactionTimeout: TRANSACTION_TIMEOUT_MS,
    transactional: true,
    transactionalId,
  });
  await producer.initProducerId();
  return producer;
}

/** The client forgets why it found no coordinator; so a broker is asked once more, without it. */
async function findAuthorizationError(cluster: Cluster, id: string): Promise<unknown> {
  try {
    const broker = await cluster.brokerPool.findConnectedBroker();
    await broker.findGroupCoordinator({ groupId: id, coordinatorType: TRANSACTION_COORDINATOR });
    return undefined;
  } catch (error) {
    return brokerErrorType(error)?.endsWith('_AUTHORIZATION_FAILED') === true ? error : undefined;
  }
}
