import type { ReasonCounts } from './reasons.ts';
import type { Offset, PartitionEnds } from './references.ts';

/** The result of publishing a chunk. */
export interface PublishedChunk {
  /** How many records Kafka cannot accept; they are in quarantine. */
  readonly refused: number;
  /** Records of erased persons, which were dropped; absent if there were none. */
  readonly erased?: number;
  /** The reasons of these; missing where there are none. */
  readonly reasons?: ReasonCounts;
  readonly seconds: number;
}

/** The result of the activity `publish`. */
export interface Published {
  /** The first chunks that it was given, in their order: all, or those before an error. */
  readonly chunks: readonly PublishedChunk[];
  /** For each partition that got a message of these chunks, the offset after the last one. */
  readonly ends: PartitionEnds;
}

/** Adds the ends of a chunk to those of other chunks; the later end of each partition counts. */
export function addEnds(sum: Record<number, Offset>, ends: PartitionEnds): void {
  for (const [partition, end] of Object.entries(ends))
    sum[Number(partition)] = laterOffset(sum[Number(partition)], end);
}

/** Returns the later of two offsets of one partition. */
function laterOffset(one: Offset | undefined, other: Offset): Offset {
  return one !== undefined && BigInt(one) > BigInt(other) ? one : other;
}
