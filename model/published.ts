import type { ReasonCounts } from './reasons.ts';
import type { Chunk, Offset, PartitionEnds } from './references.ts';

/** The result of publishing one chunk. */
export interface PublishedChunk {
  /** The number of records that exceed Kafka's limits and were quarantined. */
  readonly refused: number;
  /** The reasons; absent in runs started by older versions. */
  readonly reasons?: ReasonCounts;
  readonly seconds: number;
}

/** The chunks that a call of `publish` publishes. */
export interface ChunksToPublish {
  readonly chunk: Chunk;
  /** The following chunks, published as well until one fails. */
  readonly more?: readonly Chunk[];
}

/** The result of `publish`: that of the first chunk, and of the others. */
export interface Published extends PublishedChunk {
  /**
   * For each partition, the offset after the last message of any of these chunks. It is given once for all chunks,
   * since a topic can have many partitions.
   */
  readonly ends: PartitionEnds;
  /** The results of the following chunks that were published, in order. */
  readonly more?: readonly PublishedChunk[];
}

/** Merges partition ends into those of earlier chunks; the larger offset of each partition wins. */
export function addEnds(sum: Record<number, Offset>, ends: PartitionEnds): void {
  for (const [partition, end] of Object.entries(ends))
    sum[Number(partition)] = laterOffset(sum[Number(partition)], end);
}

/** Returns each published chunk with its result. */
export function chunksPublished(
  request: ChunksToPublish,
  published: Published,
): (readonly [Chunk, PublishedChunk])[] {
  const chunks = [request.chunk, ...(request.more ?? [])];
  return [published, ...(published.more ?? [])].flatMap((one, index) => {
    const chunk = chunks[index];
    return chunk === undefined ? [] : [[chunk, one] as const];
  });
}

/** Returns the larger of two offsets. */
function laterOffset(one: Offset | undefined, other: Offset): Offset {
  return one !== undefined && BigInt(one) > BigInt(other) ? one : other;
}
