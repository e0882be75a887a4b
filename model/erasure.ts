import { formatCount } from './figures.ts';
import type { IsoTime } from './references.ts';

/** The limit of persons of one erasure: their hashes are in one Temporal payload. */
export const MAX_PERSONS = 10_000;

/** The length limits of who asked for an erasure, and why, in UTF-16 code units. */
export const MAX_REQUESTED_BY_LENGTH = 200;
export const MAX_ERASURE_REASON_LENGTH = 1_000;

/** A keyed hash of a person: 64 hexadecimal digits. */
export const PERSON_HASH = /^[0-9a-f]{64}$/;

/** The input of the workflow `erase`: one object, as the Temporal UI's form requires. */
export interface EraseRequest {
  /** The source whose persons are erased. */
  readonly source: string;
  /** The keyed hashes of the persons, as `pipeline erase --hashes` prints them. */
  readonly persons: readonly string[];
  /** The name of the person or office that asked for it. */
  readonly requestedBy: string;
  readonly reason: string;
}

/** An erasure that has begun: what its source sends of the persons from now on is dropped. */
export interface StartedErasure {
  readonly source: string;
  /** The number of the erasure among those of the source, from 1. */
  readonly number: number;
}

/** The messages of the erased persons that were in the tables. */
export interface FoundMessages {
  /** Messages with rows. */
  readonly messages: number;
  /** Records that were rejected at publish. */
  readonly records: number;
}

/** The erasure of rows from one table. */
export interface TableErasure {
  readonly table: string;
  /** Rows of the persons that were removed. */
  readonly rows: number;
  /** Files that were replaced, and the bytes of those that replaced them. */
  readonly files: number;
  readonly writtenBytes: number;
  /** Files that were deleted: those that were replaced, and those of older versions and interrupted attempts. */
  readonly deletedFiles: number;
}

/** Formats the dropped records of erased persons for people; empty if there were none. */
export function erasedLines({ erased = 0 }: { readonly erased?: number }): string[] {
  return erased === 0 ? [] : [`dropped: ${formatCount(erased, 'record')} of erased persons`];
}

/** Until when Kafka keeps messages of the persons in one topic. */
export interface KafkaExpiry {
  readonly topic: string;
  /** When the last of them is deleted at the latest; null if the topic's settings never delete it. */
  readonly until: IsoTime | null;
}

/** The state of a run of `erase`, and its result. */
export interface EraseResult extends FoundMessages {
  readonly source: string;
  readonly persons: number;
  readonly tables: readonly TableErasure[];
  readonly kafka: KafkaExpiry | null;
}
