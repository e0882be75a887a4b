import { openCluster, type OpenCluster } from './wire/cluster.ts';
import { asKafkaError } from './errors.ts';
import { whileCoordinatorLoads, withAdmin, type KafkaOptions } from './client.ts';
import { markerGroupId } from './markers.ts';
import { transactionOf } from './publish.ts';
import { RecordBatch, encodeHeaders } from './wire/record-batch.ts';

/** Names what a probe publishes; it is never there to be read. */
const PROBE = 'doctor';

/** What a probe sends. */
const VALUE = Buffer.from('a probe; its transaction is aborted');

/** How many brokers a cluster has. */
export async function countBrokers(options: KafkaOptions): Promise<number> {
  return withAdmin(options, async (admin) => (await admin.describeCluster()).brokers.length);
}

/** Those of some topics that exist. */
export async function filterExistingTopics(
  options: KafkaOptions,
  topics: readonly string[],
): Promise<string[]> {
  const existing = new Set(await withAdmin(options, (admin) => admin.listTopics()));
  return topics.filter((topic) => existing.has(topic));
}

/**
 * Finds out whether messages and their marker can be published to a topic that exists: sends one, with its
 * marker, and aborts the transaction, so that nobody reads it. It takes two offsets of one partition.
 * @throws {PipelineError} KAFKA_UNREACHABLE or KAFKA_REFUSED
 */
export async function probePublishing(options: KafkaOptions, topic: string): Promise<void> {
  const batch = new RecordBatch();
  batch.add({ key: null, value: VALUE, headers: encodeHeaders([]) });
  const open = openCluster(options, 'probe');
  try {
    await open.cluster.connect();
    await whileCoordinatorLoads(() => abortedTransaction(open, topic, batch));
  } catch (error) {
    throw asKafkaError(error, `topic ${topic}`);
  } finally {
    await open.cluster.disconnect();
  }
}

async function abortedTransaction(open: OpenCluster, topic: string, batch: RecordBatch): Promise<void> {
  const transaction = await transactionOf(open, `${PROBE}:${topic}`);
  try {
    // First, since on a new cluster it has to be tried again, and takes no offset of the topic.
    await transaction.sendOffsets(markerGroupId(PROBE), topic, [{ partition: 0, offset: '0' }]);
    await transaction.send(topic, new Map([[0, batch]]));
  } catch (error) {
    // Where this fails too, the broker aborts it after its timeout.
    await transaction.abort().catch(() => undefined);
    throw error;
  }
  await transaction.abort();
}
