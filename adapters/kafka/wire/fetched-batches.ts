import { splitLengthPrefixed } from '../../../lib/length-prefixed.ts';
import { BATCHES, FetchedBatch } from './fetched-batch.ts';

/**
 * Iterates over the complete batches of a partition in a Fetch response; skips a truncated last one.
 * @param from The fetch offset of the request.
 * @throws {PipelineError} KAFKA_BATCH_DAMAGED, see {@link FetchedBatch}
 */
export function* batchesIn(
  bytes: Buffer,
  partition: string,
  from: bigint,
): Generator<FetchedBatch, void, undefined> {
  const batches: Buffer[] = [];
  splitLengthPrefixed(bytes, BATCHES, batches);
  let next = from;
  for (const batch of batches) {
    const fetched = new FetchedBatch(batch, partition, next);
    next = fetched.lastOffset + 1n;
    yield fetched;
  }
}
