import { openCluster, type OpenCluster } from './wire/cluster.ts';
import { asKafkaError } from './errors.ts';
import { retryWhileCoordinatorLoads, withAdmin, type KafkaOptions, type KafkaWithMarkers } from './client.ts';
import { requireMarkerTopic } from './marker-topic.ts';
import { beginTransaction } from './publish.ts';
import { RecordBatch, encodeHeaders } from './wire/record-batch.ts';

/** Begins the transactional id of the probe, whose transaction is always aborted. */
const PROBE = 'doctor';

const VALUE = Buffer.from('a probe; its transaction is aborted');

/** Returns the number of brokers in a cluster. */
export async function countBrokers(options: KafkaOptions): Promise<number> {
  return withAdmin(options, async (admin) => (await admin.describeCluster()).brokers.length);
}

/** Returns the topics that exist. */
export async function filterExistingTopics(
  options: KafkaOptions,
  topics: readonly string[],
): Promise<string[]> {
  const existing = new Set(await withAdmin(options, (admin) => admin.listTopics()));
  return topics.filter((topic) => existing.has(topic));
}

/**
 * Checks the settings of the existing topic of markers.
 * @throws {PipelineError} KAFKA_UNREACHABLE or KAFKA_REFUSED
 */
export async function checkMarkerTopic(options: KafkaWithMarkers): Promise<void> {
  await withAdmin(options, (admin) => requireMarkerTopic(options, admin));
}

/**
 * Checks the rights to publish to an existing topic: sends a message in a transaction, and aborts it. Uses up two offsets
 * of partition 0.
 * @throws {PipelineError} KAFKA_UNREACHABLE or KAFKA_REFUSED
 */
export async function probePublishing(options: KafkaOptions, topic: string): Promise<void> {
  const open = openCluster(options, 'probe');
  try {
    await open.cluster.connect();
    await retryWhileCoordinatorLoads(() => abortedTransaction(open, topic));
  } catch (error) {
    throw asKafkaError(error, `topic ${topic}`);
  } finally {
    await open.cluster.disconnect();
  }
}

async function abortedTransaction(open: OpenCluster, topic: string): Promise<void> {
  const batch = new RecordBatch();
  batch.add({ key: null, value: VALUE, headers: encodeHeaders([]) });
  const transaction = await beginTransaction(open, `${PROBE}:${topic}`);
  try {
    await transaction.send(topic, new Map([[0, batch]]));
  } catch (error) {
    // If this fails too, the broker aborts the transaction after its timeout.
    await transaction.abort().catch(() => undefined);
    throw error;
  }
  await transaction.abort();
}
