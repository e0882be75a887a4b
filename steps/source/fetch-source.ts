import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { ContentIdentity } from '../../model/identity.ts';
import type { Chunk, Content } from '../../model/references.ts';
import { sourceOf, type SourceSettings } from '../../model/settings.ts';
import { runs } from '../../tables/index.ts';
import { contentTransaction } from '../landing/transaction-ids.ts';
import type { RunContext } from '../run-context.ts';
import { writeContent, type WriteDeps, type WrittenContent } from './write-content.ts';
import { writePages } from './write-pages.ts';

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
export interface FetchDeps extends WriteDeps {
  readonly warehouse: Warehouse;
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
  const { writer, hasGood, bytes, sha256 } = await write(deps, run, request, source);
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

function write(
  deps: FetchDeps,
  run: RunContext,
  request: ContentToFetch,
  source: SourceSettings,
): Promise<WrittenContent> {
  const { paging } = source;
  if (paging === undefined) return writeContent(deps, run, request, source);
  return writePages(deps, run, request, { ...source, paging });
}

async function isIngested(warehouse: Warehouse, source: string, identity: ContentIdentity): Promise<boolean> {
  const landed = await warehouse.table(runs.name).head();
  return landed?.txns.has(contentTransaction(source, identity).appId) === true;
}
