import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import type { Staging } from '../../adapters/staging/staging.ts';
import { PipelineError } from '../../model/errors.ts';
import type { ContentIdentity } from '../../model/identity.ts';
import type { Chunk, Content } from '../../model/references.ts';
import { sourceOf, type Settings, type SourceSettings } from '../../model/settings.ts';
import { runs } from '../../tables/index.ts';
import { contentTransaction } from '../landing/transaction-ids.ts';
import type { RunContext } from '../run-context.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { ContentHash } from './content-hash.ts';
import { decoded } from './decoding.ts';
import { recordReaderOf } from './record-reader.ts';
import { openSource, requireAllRecords } from './source-content.ts';

/** The source and the interval to fetch. */
export interface ContentToFetch {
  readonly source: string;
  /** The interval to request, if the source's url has `{from}` and `{to}`. */
  readonly from?: string;
  readonly to?: string;
  /**
   * For a run that ingests content again that was ingested before: the id of its first execution, which becomes part
   * of the content's identity.
   */
  readonly again?: string;
}

/** A fetched content. `unchanged`: the same content of the source landed before. */
export interface FetchedContent {
  readonly outcome: 'fetched' | 'unchanged' | 'nothing-to-fetch';
  readonly topic: string;
  readonly content: Content | null;
  readonly chunks: readonly Chunk[];
  /** Whether the content has records and none of them is valid. */
  readonly isNothingGood: boolean;
  /** The share of invalid records that the source may have, from 0 to 1. */
  readonly quarantineLimit?: number;
}

/** The services of {@link fetchSource}, and the run's staged files. */
export interface FetchDeps {
  readonly settings: Settings;
  readonly staging: Staging;
  readonly warehouse: Warehouse;
  readonly own: RunStaging;
}

/**
 * Fetches a source's content into chunk files. Idempotent: a retry writes the same chunks. Removes them if the same
 * content landed before, unless it is to be ingested again.
 * @throws {PipelineError} SOURCE_UNKNOWN, SOURCE_UNREACHABLE, SOURCE_BUSY, SOURCE_REFUSED, SOURCE_PAGED,
 * SOURCE_CHANGED, SOURCE_MALFORMED, SOURCE_CUT, SOURCE_TOO_LARGE, STAGING_FULL
 */
export async function fetchSource(
  deps: FetchDeps,
  run: RunContext,
  request: ContentToFetch,
): Promise<FetchedContent> {
  const source = sourceOf(deps.settings, request.source);
  const { topic, quarantineLimit } = source;
  const base = {
    topic,
    isNothingGood: false,
    ...(quarantineLimit === undefined ? {} : { quarantineLimit }),
  };
  if (source.url === undefined) return { ...base, outcome: 'nothing-to-fetch', content: null, chunks: [] };
  const { writer, hasGood, bytes, sha256 } = await writeChunks(deps, run, request, source);
  const { again } = request;
  const identity = { format: source.format, sha256, ...(again === undefined ? {} : { again }) };
  const content = { ...identity, records: writer.records, bytes, chunks: writer.count };
  if ((await isIngested(deps.warehouse, request.source, identity)) && again === undefined) {
    await deps.own.remove('content');
    return { ...base, outcome: 'unchanged', content, chunks: [] };
  }
  const chunks = await writer.chunks(request.source, topic, identity);
  return {
    ...base,
    outcome: 'fetched',
    content,
    chunks,
    isNothingGood: writer.records > 0 && !hasGood,
  };
}

interface WrittenChunks {
  readonly writer: ChunkWriter;
  /** Whether any record is valid. */
  readonly hasGood: boolean;
  /** The size of the decoded content. */
  readonly bytes: number;
  /**
   * SHA-256 in hexadecimal digits: of the decoded content; of its records if there is an object around them, since what
   * is beside them, as the time of the answer, may change.
   */
  readonly sha256: string;
}

const NO_BYTES = Buffer.alloc(0);

/** Streams the content into chunk files. A permanent error removes the bytes that were received. */
async function writeChunks(
  { settings, staging, own }: FetchDeps,
  run: RunContext,
  request: ContentToFetch,
  source: SourceSettings,
): Promise<WrittenChunks> {
  const folder = await own.makeFreshFolder('content/chunks');
  const spool = await own.locate('content/raw');
  const subject = `source ${request.source}`;
  const writer = new ChunkWriter({ staging, own, folder, subject });
  const { contentBytes, recordBytes } = settings.limits;
  const reader = recordReaderOf(source, { subject, recordBytes });
  const hash = new ContentHash(source.records === undefined ? 'bytes' : 'records');
  let bytes = 0;
  try {
    const raw = await openSource({ request, source, spool, run });
    for await (const part of decoded(raw, { subject, maxBytes: contentBytes })) {
      bytes += part.length;
      const records = reader.push(part);
      hash.add(part, records);
      await writer.add(records);
    }
    const last = raw.hasNoContent === true ? [] : reader.end();
    hash.add(NO_BYTES, last);
    await writer.add(last);
    await writer.close();
    requireAllRecords(subject, raw, writer.records);
    await own.remove('content/raw');
  } catch (error) {
    // A retry writes the chunks again, and needs their space if the disk is full.
    await writer.discard();
    // After a permanent error the whole content is requested again.
    if (!(error instanceof PipelineError && error.canRetry)) await own.remove('content/raw');
    throw error;
  }
  return { writer, hasGood: reader.hasGood, bytes, sha256: hash.digest() };
}

async function isIngested(warehouse: Warehouse, source: string, identity: ContentIdentity): Promise<boolean> {
  const landed = await warehouse.table(runs.name).head();
  return landed?.txns.has(contentTransaction(source, identity).appId) === true;
}
