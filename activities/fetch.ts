import { createHash } from 'node:crypto';
import { decoded } from '../steps/source/decoding.ts';
import { RunStaging } from '../adapters/staging/run-staging.ts';
import { PipelineError } from '../model/errors.ts';
import type { Chunk, Content } from '../model/references.ts';
import { sourceOf } from '../model/settings.ts';
import { runs } from '../tables/index.ts';
import { ChunkWriter } from '../steps/source/chunk-writer.ts';
import { ContentReader } from '../steps/source/content-reader.ts';
import type { ActivityDeps } from './deps.ts';
import { contentTransaction } from '../steps/landing/transaction-ids.ts';
import { openSource, requireAllRecords } from '../steps/source/source-content.ts';
import { currentRun } from './run-context.ts';

/** The input of `fetch`. */
export interface FetchRequest {
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

/** The result of `fetch`. `unchanged`: the same content of the source landed before. */
export interface Fetched {
  readonly outcome: 'fetched' | 'unchanged' | 'nothing-to-fetch';
  readonly topic: string;
  /** The task queue of the host that staged the chunks. */
  readonly host: string;
  readonly content: Content | null;
  readonly chunks: readonly Chunk[];
  /** Whether the content has records and none of them is valid. */
  readonly isNothingGood: boolean;
  /** The share of invalid records that the source may have, from 0 to 1. */
  readonly quarantineLimit?: number;
  readonly seconds: number;
}

/**
 * Streams a source's content into chunk files and computes its SHA-256. Resumes an interrupted download if the content
 * is unchanged. Does nothing for a source without a url.
 * @throws {PipelineError} SOURCE_UNKNOWN, SOURCE_UNREACHABLE, SOURCE_BUSY, SOURCE_REFUSED, SOURCE_PAGED,
 * SOURCE_CHANGED, SOURCE_MALFORMED, SOURCE_CUT, SOURCE_TOO_LARGE, STAGING_FULL
 */
export function createFetch({ settings, staging, warehouse }: ActivityDeps) {
  return async function fetch(request: FetchRequest): Promise<Fetched> {
    const run = currentRun();
    const source = sourceOf(settings, request.source);
    const { topic, quarantineLimit } = source;
    const limit = quarantineLimit === undefined ? {} : { quarantineLimit };
    const base = { topic, host: staging.hostId, isNothingGood: false, ...limit };
    if (source.url === undefined) {
      return { ...base, outcome: 'nothing-to-fetch', content: null, chunks: [], seconds: run.seconds() };
    }
    const own = RunStaging.of(staging, run.execution);
    const folder = await own.makeFreshFolder('content/chunks');
    const spool = await own.locate('content/raw');
    const subject = `source ${request.source}`;
    const writer = new ChunkWriter({ staging, own, folder, subject });
    const { contentBytes, recordBytes } = settings.limits;
    const reader = new ContentReader({ format: source.format, subject, recordBytes });
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      const raw = await openSource({ request, source, spool, run });
      for await (const part of decoded(raw, { subject, maxBytes: contentBytes })) {
        bytes += part.length;
        hash.update(part);
        await writer.add(reader.push(part));
      }
      await writer.add(raw.hasNoContent === true ? [] : reader.end());
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
    const { again } = request;
    const identity = {
      format: source.format,
      sha256: hash.digest('hex'),
      ...(again === undefined ? {} : { again }),
    };
    const content = { ...identity, records: writer.records, bytes, chunks: writer.count };
    const landed = await warehouse.table(runs.name).head();
    const isIngested = landed?.txns.has(contentTransaction(request.source, identity).appId) === true;
    if (isIngested && again === undefined) {
      await own.remove('content');
      return { ...base, outcome: 'unchanged', content, chunks: [], seconds: run.seconds() };
    }
    const chunks = await writer.chunks(request.source, topic, identity);
    const isNothingGood = reader.records > 0 && !reader.hasGood;
    return { ...base, outcome: 'fetched', content, chunks, isNothingGood, seconds: run.seconds() };
  };
}
