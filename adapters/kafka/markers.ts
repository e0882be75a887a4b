import { PipelineError } from '../../model/errors.ts';
import type { PartitionEnds } from '../../model/references.ts';
import { partitionOf } from './partitioner.ts';

/** The messages of a set in one partition. */
export interface MarkedRange {
  /** The offset of the set's first message. */
  readonly first: bigint;
  /** The offset after the set's last message. */
  readonly end: bigint;
  /** Messages of other producers can lie between those of the set. */
  readonly producerId: bigint;
}

/** A set's marker: its ranges by partition; empty for a set without messages. */
export type Marker = ReadonlyMap<number, MarkedRange>;

/** A message's position and its producer. */
export interface MessagePosition {
  readonly partition: number;
  readonly offset: bigint;
  /** Undefined for a message outside of a transaction. */
  readonly producerId?: bigint | undefined;
}

/**
 * The number of partitions that markers are spread over. A constant, not the topic's number of partitions: if that grows,
 * each marker is still found where it was written.
 */
export const MARKER_PARTITIONS = 32;

/** One range in the value of a marker: partition, first offset and end, in decimal digits. */
const RANGE_PATTERN = /^(\d{1,10}):(\d{1,19})-(\d{1,19})$/;

/** Returns the key of a set's marker. Names of topics have no slash. */
export function markerKey(topic: string, id: string): string {
  return `${topic}/${id}`;
}

/**
 * Returns the part of a marker's key that it shares with its neighbours: the other chunks of its content. They are in one
 * partition, so that one scan finds them all.
 */
export function markerPrefix(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}

/** Returns the partition of a marker in the topic of markers. */
export function markerPartition(key: string): number {
  return partitionOf(Buffer.from(markerPrefix(key)), MARKER_PARTITIONS);
}

/** Returns the value of a marker: the set's ranges, as `0:12-40 3:7-9`; empty for a set without messages. */
export function encodeMarker(firsts: PartitionEnds, ends: PartitionEnds): string {
  return Object.entries(ends)
    .map(([partition, end]) => `${partition}:${firsts[Number(partition)] ?? end}-${end}`)
    .join(' ');
}

/**
 * Parses the value of a marker.
 * @param producerId That of the marker's own batch, hence of the set's messages.
 * @param place The marker's topic/partition/offset, for errors.
 * @throws {PipelineError} KAFKA_REFUSED
 */
export function parseMarker(value: string, producerId: bigint, place: string): Marker {
  const marker = new Map<number, MarkedRange>();
  for (const text of value === '' ? [] : value.split(' ')) {
    const [, partition, first, end] = RANGE_PATTERN.exec(text) ?? [];
    if (partition === undefined || first === undefined || end === undefined) {
      throw new PipelineError(
        'KAFKA_REFUSED',
        `${place}: the value of this marker is not a list of ranges as 0:12-40; another program wrote it`,
      );
    }
    marker.set(Number(partition), { first: BigInt(first), end: BigInt(end), producerId });
  }
  return marker;
}

/** Returns the end offset of each marked partition. */
export function endsOf(marker: Marker): PartitionEnds {
  return Object.fromEntries([...marker].map(([partition, { end }]) => [partition, String(end)]));
}

/** Whether a message was published in the set's transaction: same producer id, offset within the range. */
export function isMarked(
  marker: Marker | undefined,
  { partition, offset, producerId }: MessagePosition,
): boolean {
  const range = marker?.get(partition);
  return (
    range !== undefined && range.producerId === producerId && offset >= range.first && offset < range.end
  );
}
