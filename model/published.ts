import type { ReasonCounts } from './reasons.ts';
import type { Chunk, PartitionEnds } from './references.ts';

/** Where a chunk stands in its topic. */
export interface PublishedChunk {
  /** For each partition that got a message, the offset after the chunk's last one. */
  readonly ends: PartitionEnds;
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

/** What `publish` answers: where the chunk stands that was asked for. */
export interface Published extends PublishedChunk {
  /** And those after it that were published, in their order. */
  readonly more?: readonly PublishedChunk[];
}

/** Each chunk that was published, of those that were asked for, with where it stands. */
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
