import type { OffsetRange } from '../../model/references.ts';

/** The position of an erased message. */
export interface ErasedMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** A range of offsets of erased messages. */
export interface ErasedRange extends OffsetRange {
  readonly topic: string;
}

const OFFSETS_PREFIX = 'erased/offsets/';
const RECORD_PREFIX = 'erased/record/';

/** Ranges per application id, which bounds its length. */
const RANGES_PER_ID = 50;

/**
 * Returns the application ids by which `deliveries` records the offsets of erased messages: the log's entries, which could
 * say so too, are cleaned up. An id names many ranges, since each is one action of every checkpoint.
 */
export function erasedOffsetIds(messages: Iterable<ErasedMessage>): string[] {
  const byPartition = new Map<string, bigint[]>();
  for (const { topic, partition, offset } of messages) {
    const key = `${topic}/${partition}`;
    const known = byPartition.get(key);
    if (known === undefined) byPartition.set(key, [offset]);
    else known.push(offset);
  }
  return [...byPartition].flatMap(([key, offsets]) => {
    const ranges = rangesOf(offsets);
    const ids: string[] = [];
    for (let index = 0; index < ranges.length; index += RANGES_PER_ID)
      ids.push(`${OFFSETS_PREFIX}${key}/${ranges.slice(index, index + RANGES_PER_ID).join(',')}`);
    return ids;
  });
}

/** Returns the offsets that {@link erasedOffsetIds} names in the transactions of `deliveries`. */
export function erasedRangesIn(txns: ReadonlyMap<string, unknown>): ErasedRange[] {
  return [...txns.keys()].flatMap((appId) => {
    const rest = appId.startsWith(OFFSETS_PREFIX) ? appId.slice(OFFSETS_PREFIX.length) : '';
    const [, topic, partition, ranges = ''] = /^([^/]+)\/(\d+)\/([\d,-]+)$/.exec(rest) ?? [];
    if (topic === undefined) return [];
    return ranges.split(',').flatMap((range) => {
      const [, start, end] = /^(\d+)-(\d+)$/.exec(range) ?? [];
      return start === undefined || end === undefined
        ? []
        : [{ topic, partition: Number(partition), start, end }];
    });
  });
}

/** Returns the application ids of {@link erasedOffsetIds} in the transactions of `deliveries`. */
export function erasedIdsIn(txns: ReadonlyMap<string, unknown>): string[] {
  return [...txns.keys()].filter((appId) => appId.startsWith(OFFSETS_PREFIX));
}

/** Erased messages, to look up single ones. */
export class ErasedOffsets {
  readonly #byPartition = new Map<string, ErasedRange[]>();

  /** @param ids As {@link erasedIdsIn} returns them. */
  constructor(ids: readonly string[]) {
    for (const range of erasedRangesIn(new Map(ids.map((id) => [id, 1n])))) {
      const key = `${range.topic}/${range.partition}`;
      const known = this.#byPartition.get(key);
      if (known === undefined) this.#byPartition.set(key, [range]);
      else known.push(range);
    }
  }

  has({ topic, partition, offset }: ErasedMessage): boolean {
    const ranges = this.#byPartition.get(`${topic}/${partition}`) ?? [];
    return ranges.some(({ start, end }) => offset >= BigInt(start) && offset < BigInt(end));
  }
}

/** Returns the application id by which `deliveries` records an erased record that was rejected at publish. */
export function erasedRecordId(chunk: string, position: string): string {
  return `${RECORD_PREFIX}${chunk}:${position}`;
}

/** Returns the records, as `chunk:position`, that {@link erasedRecordId} names in the transactions of `deliveries`. */
export function erasedRecordsIn(txns: ReadonlyMap<string, unknown>): string[] {
  return [...txns.keys()].flatMap((appId) =>
    appId.startsWith(RECORD_PREFIX) ? [appId.slice(RECORD_PREFIX.length)] : [],
  );
}

/** Returns offsets as sorted ranges, as `3-5` for 3 and 4. */
function rangesOf(offsets: readonly bigint[]): string[] {
  const ranges: { start: bigint; end: bigint }[] = [];
  for (const offset of [...new Set(offsets)].sort((a, b) => (a < b ? -1 : 1))) {
    const last = ranges.at(-1);
    if (last?.end === offset) last.end += 1n;
    else ranges.push({ start: offset, end: offset + 1n });
  }
  return ranges.map(({ start, end }) => `${start}-${end}`);
}
