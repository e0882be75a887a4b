/**
 * The identity of a content and of its chunks, by which each is ingested only once. It includes everything that decides
 * where records begin and end, so a content that is split differently has a different identity.
 */

/** The parts of a content's identity. */
export interface ContentIdentity {
  /** The source's format, which decides how the content is split into records. */
  readonly format: string;
  /** SHA-256 of the decompressed content, in hexadecimal digits. */
  readonly sha256: string;
  /** For a content that is deliberately ingested again: the id of the first execution of that run. */
  readonly again?: string;
}

/** The source, content and index that identify a chunk. */
export interface ChunkPlace {
  readonly source: string;
  readonly content: ContentIdentity;
  /** From 0. */
  readonly index: number;
  /** The number of chunks of the content. */
  readonly count: number;
}

const CHUNK_ID =
  /^([a-z0-9][a-z0-9_-]{0,62})\/([a-z-]{1,32})-([0-9a-f]{64})(?:-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?\/(\d{1,7})of(\d{1,7})$/;

/** Returns a chunk's id: `<source>/<format>-<SHA-256>/<index>of<count>`, deterministic for a content. */
export function chunkId({ source, content, index, count }: ChunkPlace): string {
  const { format, sha256, again } = content;
  return `${source}/${format}-${sha256}${again === undefined ? '' : `-${again}`}/${index}of${count}`;
}

/** Returns the ids of all chunks of a content, in order. */
export function chunkIds(source: string, content: ContentIdentity, count: number): string[] {
  return Array.from({ length: count }, (_, index) => chunkId({ source, content, index, count }));
}

/** Parses the result of {@link chunkId}; undefined if the text is not a chunk's id. */
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
 * Returns the id under which a replayed message is published exactly once.
 * @param reference The reference of the quarantined row, as the command line shows it.
 */
export function replaySet(reference: string): string {
  return `replay/${reference}`;
}
