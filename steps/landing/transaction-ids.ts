import type { TransactionFence } from '../../adapters/delta/snapshot.ts';
import type { ContentIdentity } from '../../model/identity.ts';
import type { Batch } from '../../model/references.ts';

/** A thing that happens once: its fence stands at 1 afterwards. */
function once(appId: string): TransactionFence {
  return { appId, from: undefined, to: 1n };
}

/** That a source's content was ingested, split by this format. */
export function contentTransaction(source: string, { format, sha256 }: ContentIdentity): TransactionFence {
  return once(`content/${source}/${format}/${sha256}`);
}

/** That a run is in the table `runs`. */
export function runTransaction(runId: string): TransactionFence {
  return once(`run/${runId}`);
}

/** That the records of a chunk that were refused at publish are in quarantine. */
export function chunkTransaction(chunkId: string): TransactionFence {
  return once(`chunk/${chunkId}`);
}

/** That something was published again out of quarantine; `reference` names it as the command line does. */
export function replayTransaction(reference: string): TransactionFence {
  return once(`replay/${reference}`);
}

/** That the tables hold messages of the topic with this id of Kafka's, which a topic made anew does not have. */
export function topicAppId(topic: string, id: string): string {
  return `topic/${topic}/${id}`;
}

/** The ids under which the tables hold messages of a topic; more than one where it was made anew. */
export function topicIdsIn(txns: ReadonlyMap<string, unknown>, topic: string): string[] {
  const prefix = topicAppId(topic, '');
  return [...txns.keys()]
    .filter((appId) => appId.startsWith(prefix))
    .map((appId) => appId.slice(prefix.length));
}

/** Up to which offset a partition landed. */
export function partitionAppId(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

/** That a batch landed: each of its partitions goes on from the batch's start to its end. */
export function batchTransactions({ topic, ranges }: Batch): TransactionFence[] {
  return ranges.map(({ partition, start, end }) => ({
    appId: partitionAppId(topic, partition),
    from: BigInt(start),
    to: BigInt(end),
  }));
}
