import type { Admin } from 'kafkajs';
import type { Offset, PartitionEnds } from '../../model/references.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import { retryWhileCoordinatorLoads, withAdmin, type KafkaOptions } from './client.ts';

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

const MAX_CONCURRENT_READS = 8;

/** The metadata of a committed offset: first offset and producer id, in decimal digits. */
const METADATA_PATTERN = /^(\d{1,19}) (\d{1,19})$/;

/** Returns the consumer group whose committed offsets are the marker of a published set. */
export function markerGroupId(id: string): string {
  return `published:${id}`;
}

/** Returns the offsets to commit as the marker of a set; offset 0 of partition 0 for a set without messages. */
export function markerOffsets(
  firsts: PartitionEnds,
  ends: PartitionEnds,
  producerId: bigint,
): { partition: number; offset: Offset; metadata: string }[] {
  const offsets = Object.entries(ends).map(([partition, offset]) => ({
    partition: Number(partition),
    offset,
    metadata: `${firsts[Number(partition)] ?? offset} ${producerId}`,
  }));
  return offsets.length > 0 ? offsets : [{ partition: 0, offset: '0', metadata: '' }];
}

/** Reads the marker of a set; undefined if the set was not published, or its marker expired. */
export async function readMarker(admin: Admin, id: string, topic: string): Promise<Marker | undefined> {
  const asked = { groupId: markerGroupId(id), topics: [topic] };
  const [found] = await retryWhileCoordinatorLoads(() => admin.fetchOffsets(asked));
  const marked = (found?.partitions ?? []).filter(({ offset }) => offset !== '-1');
  if (marked.length === 0) return undefined;
  return new Map(
    marked
      .filter(({ offset }) => offset !== '0')
      .map(({ partition, offset, metadata }) => [partition, parseRange(offset, metadata)]),
  );
}

/** Parses a committed offset; without a producer id in the metadata the range is empty. */
function parseRange(offset: string, metadata: string | null): MarkedRange {
  const end = BigInt(offset);
  const [, first, producerId] = METADATA_PATTERN.exec(metadata ?? '') ?? [];
  if (first === undefined || producerId === undefined) return { first: end, end, producerId: -1n };
  return { first: BigInt(first), end, producerId: BigInt(producerId) };
}

/** Returns the end offset of each marked partition. */
export function endsOf(marker: Marker): PartitionEnds {
  return Object.fromEntries([...marker].map(([partition, { end }]) => [partition, String(end)]));
}

/**
 * Reads the markers of several sets of a topic.
 * @returns The markers found, by set id.
 * @throws {PipelineError} KAFKA_UNREACHABLE or KAFKA_REFUSED
 */
export async function readMarkers(
  options: KafkaOptions,
  topic: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Marker>> {
  if (ids.length === 0) return new Map();
  return withAdmin(options, async (admin) => {
    const found = await mapConcurrent(MAX_CONCURRENT_READS, ids, async (id) => ({
      id,
      marker: await readMarker(admin, id, topic),
    }));
    return new Map(found.flatMap(({ id, marker }) => (marker === undefined ? [] : [[id, marker] as const])));
  });
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
