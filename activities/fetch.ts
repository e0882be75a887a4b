import { RunStaging } from '../adapters/staging/run-staging.ts';
import { fetchSource, type ContentToFetch, type FetchedContent } from '../steps/source/fetch-source.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';

/** The input of `fetch`. */
export type FetchRequest = ContentToFetch;

/** The result of `fetch`. */
export interface Fetched extends FetchedContent {
  /** The task queue of the host that staged the chunks. */
  readonly host: string;
  readonly seconds: number;
}

/**
 * Streams a source's content into chunk files and computes its SHA-256. Resumes an interrupted download if the content
 * is unchanged. Does nothing for a source without a url.
 * @throws {PipelineError} SOURCE_UNKNOWN, SOURCE_UNREACHABLE, SOURCE_BUSY, SOURCE_REFUSED, SOURCE_PAGED,
 * SOURCE_CHANGED, SOURCE_MALFORMED, SOURCE_CUT, SOURCE_TOO_LARGE, STAGING_FULL
 */
export function createFetch(deps: ActivityDeps) {
  return async function fetch(request: FetchRequest): Promise<Fetched> {
    const run = currentRun();
    const own = RunStaging.of(deps.staging, run.execution);
    const fetched = await fetchSource({ ...deps, own }, run, request);
    return { ...fetched, host: deps.staging.hostId, seconds: run.seconds() };
  };
}
