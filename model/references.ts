/**
 * The values that the steps of a run pass to each other: references and counts, never records, since Temporal keeps
 * them in the run's history. Offsets are decimal strings, since JSON has no 64-bit integers.
 */

import type { FieldCounts } from './field-counts.ts';
import type { ContentIdentity } from './identity.ts';
import type { ReasonCounts } from './reasons.ts';

/** The header of a message with the name of its source. */
export const SOURCE_HEADER = 'source';

/** The header of a message with the id of its chunk. */
export const CHUNK_HEADER = 'chunk';

/**
 * The header of a message replayed from quarantine: the reference of the quarantined row. A message that was replayed
 * several times has several of these headers, the latest last.
 */
export const REPLAY_HEADER = 'replay-of';

/** A 64-bit Kafka offset as a decimal string. */
export type Offset = string;

/** A UTC time as `2026-01-31T12:00:00.000Z`. */
export type IsoTime = string;

/** The offsets [start, end) of one partition. */
export interface OffsetRange {
  readonly partition: number;
  readonly start: Offset;
  /** Exclusive. */
  readonly end: Offset;
}

/** Returns the number of offsets in ranges, with a message or without. */
export function offsetsIn(ranges: readonly OffsetRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + Number(BigInt(end) - BigInt(start)), 0);
}

/** For each partition, the offset after the last one (exclusive end). */
export type PartitionEnds = Readonly<Record<number, Offset>>;

/** The offset ranges that are consumed, transformed and landed together: at most one per partition of a topic. */
export interface Batch {
  readonly topic: string;
  /** Sorted by partition; none is empty. */
  readonly ranges: readonly OffsetRange[];
  /** Kafka's topic id, if the cluster supports topic ids. */
  readonly topicId?: string;
}

/** The partition limit of a topic: a Temporal payload contains offsets of each, several times. */
export const MAX_PARTITIONS = 10_000;

/** The chunk limit of a content: a Temporal payload lists all chunks. */
export const MAX_CHUNKS = 4_096;

/** Complete records of one fetch, staged on a host's disk and published in one Kafka transaction. */
export interface Chunk {
  /** See `chunkId`: deterministic for a content, whichever run fetches it. */
  readonly id: string;
  /** The chunk's file, relative to the run's staging folder. */
  readonly path: string;
  readonly records: number;
  readonly bytes: number;
  /** The size of its largest record; absent in chunks of older versions. */
  readonly largestBytes?: number;
}

/** The fetched content of a source. */
export interface Content extends ContentIdentity {
  readonly records: number;
  readonly bytes: number;
  /** The number of its chunks. */
  readonly chunks: number;
}

/** The messages of a batch, staged on a host's disk, one file per partition. */
export interface StagedBatch {
  readonly batch: Batch;
  /** The folder of the files, relative to the run's staging folder. */
  readonly path: string;
  readonly messages: number;
  /** Offsets without a message: transaction markers and aborted messages. */
  readonly gaps: number;
  readonly bytes: number;
}

/** A Parquet file on a host's disk that is to be added to a table. */
export interface StagedFile {
  readonly table: string;
  /** The values of the partition columns. */
  readonly partition: Readonly<Record<string, string>>;
  /** The file's path, relative to the run's staging folder. */
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  /** The file's Delta statistics (`stats`), as JSON text. */
  readonly stats: string;
}

/** The Parquet files of a batch. Their list is a file on the host's disk, since it can be long. */
export interface TableFiles {
  readonly files: {
    readonly count: number;
    readonly bytes: number;
    /** SHA-256 of the list, in hexadecimal digits; empty if there is no list. */
    readonly sha256: string;
  };
  /** The number of rows by table; tables without rows are left out. */
  readonly rows: Readonly<Record<string, number>>;
  readonly sources: readonly SourceRows[];
}

/** The limit of sources per topic: a batch's payload lists the counts of each. */
export const MAX_SOURCES_OF_A_TOPIC = 1_000;

/** The counts of one source in a batch. */
export interface SourceRows {
  readonly source: string;
  /** Messages that became rows. */
  readonly landed: number;
  /** Messages that were quarantined. */
  readonly refused: number;
  /** The size of its files. */
  readonly bytes: number;
}

/** A batch without files. */
export const NO_FILES: TableFiles = { files: { count: 0, bytes: 0, sha256: '' }, rows: {}, sources: [] };

/** A transformed batch, which `land` uploads and commits. */
export interface StagedTables extends FieldCounts, TableFiles {
  readonly batch: Batch;
  /**
   * The batch's folders on the host's disk, relative to the run's staging folder; deleted once the batch landed. The
   * first contains the receipt of what is to be landed, and the list of the files.
   */
  readonly staged: readonly string[];
  readonly landed: number;
  readonly quarantined: number;
  /** Messages of erased persons, which were dropped; absent if there were none. */
  readonly erased?: number;
  /** The reasons of quarantined messages; absent in runs started by older versions. */
  readonly reasons?: ReasonCounts;
  readonly seconds: number;
}
