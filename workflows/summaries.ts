import { formatBytes, formatCount } from '../model/figures.ts';
import { escapeText } from '../model/printable.ts';
import { parseChunkId } from '../model/identity.ts';
import {
  offsetsIn,
  type Batch,
  type Chunk,
  type StagedBatch,
  type StagedTables,
} from '../model/references.ts';
import type { IngestRequest } from '../model/run.ts';

/** Returns the summary of a fetch, which the Temporal UI shows beside the activity's name; likewise those below. */
export function fetchSummary({ source, from, to }: IngestRequest): string {
  if ((from ?? to ?? null) === null) return `source ${source}`;
  return escapeText(`source ${source}, ${from ?? '…'} to ${to ?? '…'}`);
}

/** Returns the summary of a check of the quarantine limit. */
export function quarantineLimitSummary(chunks: readonly Chunk[]): string {
  return `whether too many of ${formatCount(recordsOf(chunks), 'record')} are bad`;
}

/**
 * Returns the summary of a publish.
 * @param chunks The chunks of the activity, in order.
 * @param all The number of chunks that were fetched.
 */
export function publishSummary(chunks: readonly Chunk[], all: number): string {
  const [from, to] = [numberOf(chunks.at(0)), numberOf(chunks.at(-1))];
  const which = from === to ? `chunk ${from}` : `chunks ${from} to ${to}`;
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  return `${which} of ${all}: ${formatCount(recordsOf(chunks), 'record')}, ${formatBytes(bytes)}`;
}

/** Returns the number of a chunk in its content, from 1. */
function numberOf(chunk: Chunk | undefined): number {
  return (parseChunkId(chunk?.id ?? '')?.index ?? 0) + 1;
}

function recordsOf(chunks: readonly Chunk[]): number {
  return chunks.reduce((sum, { records }) => sum + records, 0);
}

/** Returns the summary of a consume: of a known batch, or of as much of the ranges as a batch may hold. */
export function batchSummary({ ranges }: Batch, exact: boolean): string {
  const offsets = formatCount(offsetsIn(ranges), 'offset');
  return `${exact ? '' : 'up to '}${offsets} of ${formatCount(ranges.length, 'partition')}`;
}

/** Returns the summary of a transform. */
export function transformSummary({ messages, bytes }: StagedBatch): string {
  return `${formatCount(messages, 'message')}, ${formatBytes(bytes)}`;
}

/** Returns the summary of a landing. */
export function landSummary({ files, landed }: StagedTables): string {
  return `${formatCount(landed, 'record')} as ${formatCount(files.count, 'file')}, ${formatBytes(files.bytes)}`;
}
