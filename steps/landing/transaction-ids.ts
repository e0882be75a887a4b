import type { TransactionFence } from '../../adapters/delta/snapshot.ts';
import type { ContentIdentity } from '../../model/identity.ts';
import type { Batch } from '../../model/references.ts';

/** Returns the fence of something that happens once, after which its version is 1. */
function once(appId: string): TransactionFence {
  return { appId, from: undefined, to: 1n };
}

/** Returns the fence that marks a source's content, in this format, as ingested. */
export function contentTransaction(source: string, { format, sha256 }: ContentIdentity): TransactionFence {
  return once(`content/${source}/${format}/${sha256}`);
}

/** Returns the fence of a run's row in the table `runs`. */
export function runTransaction(runId: string): TransactionFence {
  return once(`run/${runId}`);
}

/** Returns the fence of a chunk's records that were refused at publish, in `quarantine`. */
export function chunkTransaction(chunkId: string): TransactionFence {
  return once(`chunk/${chunkId}`);
}

/** Returns the fence of a replay; `reference` names the row of `quarantine` as the command line does. */
export function replayTransaction(reference: string): TransactionFence {
  return once(`replay/${reference}`);
}

/** Returns the application id that marks a table as holding messages of the topic with this Kafka id. */
export function topicAppId(topic: string, id: string): string {
  return `topic/${topic}/${id}`;
}

/** Returns the Kafka ids of the topic that a table's transactions name; several if it was deleted and created again. */
export function topicIdsIn(txns: ReadonlyMap<string, unknown>, topic: string): string[] {
  const prefix = topicAppId(topic, '');
  return [...txns.keys()]
    .filter((appId) => appId.startsWith(prefix))
    .map((appId) => appId.slice(prefix.length));
}

/** Returns the application id whose version is the end offset landed of a partition. */
export function partitionAppId(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

/** Returns the fences of a batch: the version of each partition moves from the start to the end of its range. */
export function batchTransactions({ topic, ranges }: Batch): TransactionFence[] {
  return ranges.map(({ partition, start, end }) => ({
    appId: partitionAppId(topic, partition),
    from: BigInt(start),
    to: BigInt(end),
  }));
}
