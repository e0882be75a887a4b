import type { Admin } from 'kafkajs';
import type { Offset, PartitionEnds } from '../../model/references.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import { whileCoordinatorLoads, withAdmin, type KafkaOptions } from './client.ts';

/** What a marker says of one partition: which messages of it belong to the set. */
export interface MarkedRange {
  /** The offset of the set's first message. */
  readonly first: bigint;
  /** The offset after its last one. */
  readonly end: bigint;
  /** The producer that wrote them. Others' messages can be between them, since producers write at the same time. */
  readonly producerId: bigint;
}

/** What a set's marker says, by partition; a set without messages has none. */
export type Marker = ReadonlyMap<number, MarkedRange>;

/** Where a message is, and who wrote it. */
export interface MessagePosition {
  readonly partition: number;
  readonly offset: bigint;
  /** Of the transaction that it was published in; none for a message outside of one. */
  readonly producerId?: bigint | undefined;
}

/** How many markers are asked for at once. */
const MARKERS_AT_ONCE = 8;

const METADATA = /^(\d{1,19}) (\d{1,19})$/;

/** The consumer group whose committed offsets say that a set was published, and up to where. */
export function markerGroupId(id: string): string {
  return `published:${id}`;
}

/** Returns what to commit as the marker of a set; one without messages has an offset 0, which nothing is before. */
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

/** Reads the marker of a set over an open connection; undefined where it was not published, or its marker expired. */
export async function readMarker(admin: Admin, id: string, topic: string): Promise<Marker | undefined> {
  const asked = { groupId: markerGroupId(id), topics: [topic] };
  const [found] = await whileCoordinatorLoads(() => admin.fetchOffsets(asked));
  const marked = (found?.partitions ?? []).filter(({ offset }) => offset !== '-1');
  if (marked.length === 0) return undefined;
  return new Map(
    marked
      .filter(({ offset }) => offset !== '0')
      .map(({ partition, offset, metadata }) => [partition, rangeOf(offset, metadata)]),
  );
}

/** One that doesn't say who wrote its messages proves none of them. */
function rangeOf(offset: string, metadata: string | null): MarkedRange {
  const end = BigInt(offset);
  const [, first, producerId] = METADATA.exec(metadata ?? '') ?? [];
  if (first === undefined || producerId === undefined) return { first: end, end, producerId: -1n };
  return { first: BigInt(first), end, producerId: BigInt(producerId) };
}

/** Returns where each marked partition ends. */
export function endsOf(marker: Marker): PartitionEnds {
  return Object.fromEntries([...marker].map(([partition, { end }]) => [partition, String(end)]));
}

/**
 * Reads the markers of several sets of a topic.
 * @returns Those that there are.
 * @throws {PipelineError} KAFKA_UNREACHABLE or KAFKA_REFUSED
 */
export async function readMarkers(
  options: KafkaOptions,
  topic: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Marker>> {
  if (ids.length === 0) return new Map();
  return withAdmin(options, async (admin) => {
    const found = await mapConcurrent(MARKERS_AT_ONCE, ids, async (id) => ({
      id,
      marker: await readMarker(admin, id, topic),
    }));
    return new Map(found.flatMap(({ id, marker }) => (marker === undefined ? [] : [[id, marker] as const])));
  });
}

/** Whether a message was published in the set's transaction: written by its producer, within its offsets. */
export function isMarked(
  marker: Marker | undefined,
  { partition, offset, producerId }: MessagePosition,
): boolean {
  const range = marker?.get(partition);
  return (
    range !== undefined && range.producerId === producerId && offset >= range.first && offset < range.end
  );
}
