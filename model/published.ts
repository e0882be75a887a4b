import type { ReasonCounts } from './reasons.ts';
import type { Chunk, Offset, PartitionEnds } from './references.ts';

/** What became of a chunk. */
export interface PublishedChunk {
  /** Records that Kafka cannot take, now in quarantine. */
  readonly refused: number;
  /** Why; runs that began long ago may have chunks that do not say. */
  readonly reasons?: ReasonCounts;
  readonly seconds: number;
}

/** What is asked of `publish`. */
export interface ChunksToPublish {
  readonly chunk: Chunk;
  /** The chunks after it, which are published too, as far as all goes well. */
  readonly more?: readonly Chunk[];
}

/** What `publish` answers of the chunk that was asked for. */
export interface Published extends PublishedChunk {
  /**
   * For each partition that got a message of any of these chunks, the offset after the last one. It is one for all
   * chunks: a topic can have many partitions.
   */
  readonly ends: PartitionEnds;
  /** The chunks after it that were published, in their order. */
  readonly more?: readonly PublishedChunk[];
}

/** Adds ends to those of earlier chunks, of which the later one of each partition counts. */
export function addEnds(sum: Record<number, Offset>, ends: PartitionEnds): void {
  for (const [partition, end] of Object.entries(ends))
    sum[Number(partition)] = laterOffset(sum[Number(partition)], end);
}

/** Each chunk that was published, of those that were asked for, with what became of it. */
export function chunksPublished(
  asked: ChunksToPublish,
  published: Published,
): (readonly [Chunk, PublishedChunk])[] {
  const chunks = [asked.chunk, ...(asked.more ?? [])];
  return [published, ...(published.more ?? [])].flatMap((one, at) => {
    const chunk = chunks[at];
    return chunk === undefined ? [] : [[chunk, one] as const];
  });
}

/** Returns the later of two offsets of one partition. */
function laterOffset(one: Offset | undefined, other: Offset): Offset {
  return one !== undefined && BigInt(one) > BigInt(other) ? one : other;
}
