import { formatBytes, formatCount } from '../model/figures.ts';
import { escapeText } from '../model/printable.ts';
import { parseChunkId } from '../model/identity.ts';
import type { ChunksToPublish } from '../model/published.ts';
import {
  offsetsIn,
  type Batch,
  type Chunk,
  type StagedBatch,
  type StagedTables,
} from '../model/references.ts';
import type { IngestRequest } from '../model/run.ts';

/** What a fetch is about, for the Temporal UI, which shows it beside the activity's name. */
export function fetchSummary({ source, from, to }: IngestRequest): string {
  if ((from ?? to ?? null) === null) return `source ${source}`;
  return escapeText(`source ${source}, ${from ?? '…'} to ${to ?? '…'}`);
}

/** What is judged before it is published. */
export function quarantineLimitSummary(chunks: readonly Chunk[]): string {
  return `whether too many of ${formatCount(recordsOf(chunks), 'record')} are bad`;
}

/**
 * What a publish is about.
 * @param all How many chunks were fetched.
 */
export function publishSummary({ chunk, more = [] }: ChunksToPublish, all: number): string {
  const chunks = [chunk, ...more];
  const [from, to] = [numberOf(chunk), numberOf(more.at(-1) ?? chunk)];
  const which = from === to ? `chunk ${from}` : `chunks ${from} to ${to}`;
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  return `${which} of ${all}: ${formatCount(recordsOf(chunks), 'record')}, ${formatBytes(bytes)}`;
}

/** The number of a chunk among those of its content, from 1. */
function numberOf({ id }: Chunk): number {
  return (parseChunkId(id)?.index ?? 0) + 1;
}

function recordsOf(chunks: readonly Chunk[]): number {
  return chunks.reduce((sum, { records }) => sum + records, 0);
}

/** What a consume is about: a batch that is known, or as much of the ranges as a batch may hold. */
export function batchSummary({ ranges }: Batch, exact: boolean): string {
  const offsets = formatCount(offsetsIn(ranges), 'offset');
  return `${exact ? '' : 'up to '}${offsets} of ${formatCount(ranges.length, 'partition')}`;
}

/** What a transform is about. */
export function transformSummary({ messages, bytes }: StagedBatch): string {
  return `${formatCount(messages, 'message')}, ${formatBytes(bytes)}`;
}

/** What a landing is about. */
export function landSummary({ files, landed }: StagedTables): string {
  return `${formatCount(landed, 'record')} as ${formatCount(files.count, 'file')}, ${formatBytes(files.bytes)}`;
}
