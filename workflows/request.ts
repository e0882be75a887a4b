import { ApplicationFailure } from '@temporalio/workflow';
import { DURATION_EXAMPLES, parseDuration } from '../model/duration.ts';
import type { IngestRequest } from '../model/run.ts';
import { SOURCE_NAME } from '../model/source-name.ts';

const KEYS = ['source', 'from', 'to', 'interval'];

/**
 * Makes sure that what a run was started with is a request, since the Temporal UI's form takes anything.
 * @throws {ApplicationFailure} REQUEST_INVALID, which says what is off and shows how it must be.
 */
export function requireRequest(request: unknown): asserts request is IngestRequest {
  if (typeof request !== 'object' || request === null || Array.isArray(request))
    throw invalid('must be a JSON object');
  const unknown = Object.keys(request).find((key) => !KEYS.includes(key));
  if (unknown !== undefined)
    throw invalid(`has the key ${JSON.stringify(unknown)}; there are ${KEYS.join(', ')}`);
  const { source, from, to, interval } = request as Record<string, unknown>;
  if (typeof source !== 'string' || source === '') throw invalid('must name a source, as text');
  // What no source can be called is not repeated: it may be a URL with a password, or longer than Temporal takes.
  if (!SOURCE_NAME.pattern.test(source))
    throw invalid(
      `must name a source of pipeline.yaml; a name is never a URL: it must be ${SOURCE_NAME.rule}`,
    );
  for (const [name, value] of Object.entries({ from, to })) {
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string' || Number.isNaN(Date.parse(value))) {
      throw invalid(`has ${name} = ${JSON.stringify(value)}; it must be a time, as 2026-01-31T00:00:00Z`);
    }
  }
  if (interval === undefined || interval === null) return;
  if (typeof interval !== 'string' || parseDuration(interval) === undefined)
    throw invalid(
      `has interval = ${JSON.stringify(interval)}; it must be a duration, as ${DURATION_EXAMPLES}`,
    );
  if ((from ?? to ?? null) !== null)
    throw invalid('has an interval and from or to; it can have only one of them');
}

function invalid(what: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `the request ${what}. An example: {"source": "pearson"}`,
    'REQUEST_INVALID',
  );
}
