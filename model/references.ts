/**
 * What the steps of a run hand each other: references and counts, never records, since Temporal keeps
 * each of them in the run's history. Offsets are decimal strings, since a history holds JSON and JSON has
 * no 64-bit integers.
 */

import type { FieldCounts } from './field-counts.ts';
import type { ContentIdentity } from './identity.ts';
import type { ReasonCounts } from './reasons.ts';

/** The header of a message that names its source. */
export const SOURCE_HEADER = 'source';

/** The header of a message that names the chunk it was published with. */
export const CHUNK_HEADER = 'chunk';

/**
 * The header of a message that was published again out of quarantine: which message or record it is. One that
 * was published again several times has several; the last names the latest.
 */
export const REPLAY_HEADER = 'replay-of';

/** A 64-bit Kafka offset, in decimal digits. */
export type Offset = string;

/** A UTC time as `2026-01-31T12:00:00.000Z`. */
export type IsoTime = string;

/** The offsets [start, end) of one partition. */
export interface OffsetRange {
  readonly partition: number;
  readonly start: Offset;
  /** The first offset that is not part of it. */
  readonly end: Offset;
}

/** How many offsets the ranges hold together, with a message or without. */
export function offsetsIn(ranges: readonly OffsetRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + Number(BigInt(end) - BigInt(start)), 0);
}

/** An offset for each partition: the one after the last that counts. */
export type PartitionEnds = Readonly<Record<number, Offset>>;

/** The unit that is consumed, transformed and landed: for each partition of a topic at most one range. */
export interface Batch {
  readonly topic: string;
  /** In order of the partitions; none of them is empty. */
  readonly ranges: readonly OffsetRange[];
  /** Kafka's id of the topic, where its cluster gives ids. */
  readonly topicId?: string;
}

/** How many partitions a topic may have: a run's history names offsets of each, several times in one payload. */
export const MAX_PARTITIONS = 10_000;

/** How many chunks a content may have: a run's history names each, all of them in one payload. */
export const MAX_CHUNKS = 4_096;

/** Whole records of one fetch, staged on a host's disk, published in one Kafka transaction. */
export interface Chunk {
  /** See `chunkId`: the same for the same content split in the same way, whichever run fetches it. */
  readonly id: string;
  /** The chunk's file, relative to the run's staging folder. */
  readonly path: string;
  readonly records: number;
  readonly bytes: number;
  /** Bytes of its largest record; chunks of older versions do not say. */
  readonly largestBytes?: number;
}

/** What was fetched of a source. */
export interface Content extends ContentIdentity {
  readonly records: number;
  readonly bytes: number;
  /** How many chunks hold its records. */
  readonly chunks: number;
}

/** The messages of a batch on a host's disk, a file for each partition. */
export interface StagedBatch {
  readonly batch: Batch;
  /** The folder of the files, relative to the run's staging folder. */
  readonly path: string;
  readonly messages: number;
  /** Offsets of the batch that never were a message: transaction markers and aborted messages. */
  readonly gaps: number;
  readonly bytes: number;
}

/** One Parquet file on a host's disk that is to become part of a table. */
export interface StagedFile {
  readonly table: string;
  /** The value of each partition column. */
  readonly partition: Readonly<Record<string, string>>;
  /** The file, relative to the run's staging folder. */
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  /** Delta's statistics of the file, as a JSON text. */
  readonly stats: string;
}

/** The files of a batch. They are listed in a file on the host's disk, since there can be many. */
export interface TableFiles {
  readonly files: {
    readonly count: number;
    readonly bytes: number;
    /** SHA-256 of their list, in hexadecimal digits; empty where there is none. */
    readonly sha256: string;
  };
  /** The rows of each table that gets some. */
  readonly rows: Readonly<Record<string, number>>;
  readonly sources: readonly SourceRows[];
}

/** How many sources can have one topic: what a batch has of each is named in a run's history. */
export const MAX_SOURCES_OF_A_TOPIC = 1_000;

/** What a batch has of a source. */
export interface SourceRows {
  readonly source: string;
  /** Messages that become rows. */
  readonly landed: number;
  /** Messages that go into quarantine. */
  readonly refused: number;
  /** Bytes of its files. */
  readonly bytes: number;
}

/** A batch without files. */
export const NO_FILES: TableFiles = { files: { count: 0, bytes: 0, sha256: '' }, rows: {}, sources: [] };

/** A batch as tables: what `land` uploads and commits. */
export interface StagedTables extends FieldCounts, TableFiles {
  readonly batch: Batch;
  /**
   * What the batch has on the host's disk, relative to the run's staging folder; it can go once it landed. The first
   * one has the receipt for what is to be landed, and the list of the files.
   */
  readonly staged: readonly string[];
  readonly landed: number;
  readonly quarantined: number;
  /** Why messages are quarantined; runs that began long ago may have batches that do not say. */
  readonly reasons?: ReasonCounts;
  readonly seconds: number;
}
