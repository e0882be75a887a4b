import { PipelineError } from '../../model/errors.ts';
import type { OffsetRange } from '../../model/references.ts';
import { topicOffsets, type KafkaOptions } from './client.ts';
import type { FetchedBatch } from './wire/fetched-batch.ts';

/** Progress of a read in the range of one partition. */
export interface RangeProgress {
  readonly range: OffsetRange;
  /** The end of the range, or the first offset of a batch that cannot be decompressed. */
  end: bigint;
  /** The first offset that was not delivered yet. */
  next: bigint;
  /** The offset of the next Fetch request. */
  fetchOffset: bigint;
  unreadable?: { readonly batch: FetchedBatch; readonly error: PipelineError };
}

/** Returns the progress of a read that begins. */
export function startRange(range: OffsetRange): RangeProgress {
  const start = BigInt(range.start);
  return { range, end: BigInt(range.end), next: start, fetchOffset: start };
}

/** Returns the ranges that were delivered, without empty ones, by partition. */
export function rangesRead(progress: readonly RangeProgress[]): OffsetRange[] {
  return progress
    .map(({ range, next, end }) => ({ ...range, end: String(next < end ? next : end) }))
    .filter(({ start, end }) => start !== end)
    .sort((one, other) => one.partition - other.partition);
}

/**
 * Makes sure that Kafka still has the offsets to be read.
 * @throws {PipelineError} RANGE_GONE if they begin before the log start offset.
 */
export async function requireRetained(
  options: KafkaOptions,
  topic: string,
  progress: readonly RangeProgress[],
): Promise<void> {
  const found = await topicOffsets(options, topic);
  const kept = new Map(found.map(({ partition, earliest }) => [partition, earliest]));
  for (const { range, next, end } of progress) {
    const earliest = kept.get(range.partition);
    if (next < end && (earliest === undefined || BigInt(earliest) > next))
      throw rangeGone(topic, range, earliest);
  }
}

/** Returns the error for an offset that was not received within the idle timeout. */
export function rangeStalled(
  topic: string,
  progress: readonly RangeProgress[],
  idleTimeoutMs: number,
): PipelineError {
  const stuck = progress.find(({ next, end }) => next < end);
  return new PipelineError(
    'RANGE_STALLED',
    `${topic}/${stuck?.range.partition}: offset ${stuck?.next} was not received within ` +
      `${idleTimeoutMs} ms; the range ends at ${stuck?.end}`,
  );
}

function rangeGone(topic: string, range: OffsetRange, earliest: string | undefined): PipelineError {
  const now = earliest === undefined ? 'the partition is gone' : `the topic now begins at offset ${earliest}`;
  const wanted = `${topic}/${range.partition}: offsets ${range.start} to before ${range.end} were to be read`;
  return new PipelineError('RANGE_GONE', `${wanted}, but ${now}`);
}
