import Broker, { type FetchedMessage, type FetchedPartition } from 'kafkajs/src/broker/index.js';

/** A transaction that was aborted, as a broker names it beside the messages that it answers. */
export interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

/** What a control record's key holds when it ends a transaction that was aborted: version 0, type 0. */
const ABORT = Buffer.alloc(4);

/**
 * The messages of aborted transactions, as the Java client tells them.
 *
 * kafkajs 2.2.4 takes the transactions for sorted by their first offsets; brokers sort them by their ends. And it
 * enters one transaction a message, though a read can begin in the middle of several. So it hands out aborted messages
 * where transactions overlap: one that was left open by a producer that died, and that Kafka aborts when its time is
 * out, is enough.
 * @param messages Of one partition, in order.
 */
export function abortedMessages<Message extends FetchedMessage>(
  messages: readonly Message[],
  aborted: readonly AbortedTransaction[],
): Message[] {
  if (aborted.length === 0) return [];
  const coming = aborted
    .map(({ producerId, firstOffset }) => ({ producerId, first: BigInt(firstOffset) }))
    .sort((one, other) => (one.first < other.first ? -1 : 1));
  const producers = new Set<string>();
  return messages.filter(({ offset, key, isControlRecord, batchContext }) => {
    const at = BigInt(offset);
    for (let next = coming[0]; next !== undefined && next.first <= at; next = coming[0]) {
      producers.add(next.producerId);
      coming.shift();
    }
    const { producerId, inTransaction } = batchContext;
    if (!isControlRecord) return inTransaction && producers.has(producerId);
    if (key !== null && ABORT.equals(key)) producers.delete(producerId);
    return false;
  });
}

/**
 * Has consumers of kafkajs pass over all aborted messages, and nothing else: they are marked as what kafkajs passes
 * over anyway, since it gives no other way to say so.
 */
function passOverAborted({ messages, abortedTransactions }: FetchedPartition): void {
  // Null where nothing was asked of transactions, as by a reader of what is not committed.
  for (const message of abortedMessages(messages, abortedTransactions ?? [])) message.isControlRecord = true;
}

const fetch = Broker.prototype.fetch;

Broker.prototype.fetch = async function (request) {
  const answer = await fetch.call(this, request);
  for (const { partitions } of answer.responses)
    for (const partition of partitions) {
      passOverAborted(partition);
      partition.abortedTransactions = [];
    }
  return answer;
};
