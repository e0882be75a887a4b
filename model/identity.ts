/**
 * The identity of what is ingested once: a content of a source, and the chunks that it is published in. It holds
 * everything that decides where records begin and end, so that a content that is split in another way is another one.
 */

/** What is part of a content's identity. */
export interface ContentIdentity {
  /** The source's format, by which the content is split into records. */
  readonly format: string;
  /** SHA-256 over the content as it was decoded, in hexadecimal digits. */
  readonly sha256: string;
  /** The run that ingests the content again, whatever was ingested before: the id of its first execution. */
  readonly again?: string;
}

/** A chunk's place among those of its content. */
export interface ChunkPlace {
  readonly source: string;
  readonly content: ContentIdentity;
  /** From 0. */
  readonly index: number;
  /** How many chunks the content has. */
  readonly count: number;
}

const CHUNK_ID =
  /^([a-z0-9][a-z0-9_-]{0,62})\/([a-z-]{1,32})-([0-9a-f]{64})(?:-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?\/(\d{1,7})of(\d{1,7})$/;

/** Returns a chunk's id: `<source>/<format>-<SHA-256>/<index>of<count>`, the same for the same content. */
export function chunkId({ source, content, index, count }: ChunkPlace): string {
  const { format, sha256, again } = content;
  return `${source}/${format}-${sha256}${again === undefined ? '' : `-${again}`}/${index}of${count}`;
}

/** Returns the ids of all chunks of a content, in order. */
export function chunkIds(source: string, content: ContentIdentity, count: number): string[] {
  return Array.from({ length: count }, (_, index) => chunkId({ source, content, index, count }));
}

/** Reads what {@link chunkId} writes; undefined where a text is no chunk's id. */
export function parseChunkId(id: string): ChunkPlace | undefined {
  const [, source, format, sha256, again, index, count] = CHUNK_ID.exec(id) ?? [];
  if (source === undefined || format === undefined || sha256 === undefined) return undefined;
  const place = {
    source,
    content: { format, sha256, ...(again === undefined ? {} : { again }) },
    index: Number(index),
    count: Number(count),
  };
  return place.index < place.count ? place : undefined;
}

/**
 * Returns the name of the set of messages that a replay is published as.
 * @param reference Names what is replayed, as the command line does.
 */
export function replaySet(reference: string): string {
  return `replay/${reference}`;
}
