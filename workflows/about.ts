import { formatBytes, formatCount } from '../model/figures.ts';
import {
  offsetsIn,
  type Batch,
  type Chunk,
  type StagedBatch,
  type StagedTables,
} from '../model/references.ts';
import type { IngestRequest } from '../model/run.ts';

/** What a fetch is about, for the Temporal UI, which shows it beside the activity's name. */
export function aboutFetch({ source, from, to }: IngestRequest): string {
  if ((from ?? to ?? null) === null) return `source ${source}`;
  return `source ${source}, ${from ?? '…'} to ${to ?? '…'}`;
}

/** What is judged before it is published. */
export function aboutJudge(chunks: readonly Chunk[]): string {
  const records = chunks.reduce((sum, chunk) => sum + chunk.records, 0);
  return `whether too many of ${formatCount(records, 'record')} are bad`;
}

/** What a publish is about. */
export function aboutChunk({ id, records, bytes }: Chunk, chunks: number): string {
  const index = Number(id.slice(id.lastIndexOf('/') + 1));
  return `chunk ${index + 1} of ${chunks}: ${formatCount(records, 'record')}, ${formatBytes(bytes)}`;
}

/** What a consume is about: a batch that is known, or as much of the ranges as a batch may hold. */
export function aboutBatch({ ranges }: Batch, exact: boolean): string {
  const offsets = formatCount(offsetsIn(ranges), 'offset');
  return `${exact ? '' : 'up to '}${offsets} of ${formatCount(ranges.length, 'partition')}`;
}

/** What a transform is about. */
export function aboutMessages({ messages, bytes }: StagedBatch): string {
  return `${formatCount(messages, 'message')}, ${formatBytes(bytes)}`;
}

/** What a landing is about. */
export function aboutTables({ files, landed }: StagedTables): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return `${formatCount(landed, 'record')} as ${formatCount(files.length, 'file')}, ${formatBytes(bytes)}`;
}
