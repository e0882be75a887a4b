import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { PipelineError } from '../../model/errors.ts';
import { parseHttpDate } from './dates.ts';

/** Limit for Retry-After; after it the request is repeated, and can be delayed again. */
const MAX_RETRY_AFTER_MS = 15 * 60_000;

/** Limit in characters for a server's text in an error. */
const MAX_QUOTED_CHARACTERS = 200;

const ACCEPTED = 202;

/** Statuses for which the same request can succeed later: Accepted, Too Early, Too Many Requests. */
const RETRY_LATER: ReadonlySet<number> = new Set([ACCEPTED, 425, 429]);

/** Truncates a foreign text for an error. */
export function shortened(text: string): string {
  return text.length <= MAX_QUOTED_CHARACTERS ? text : `${text.slice(0, MAX_QUOTED_CHARACTERS)}…`;
}

/**
 * Returns the error for an answer without content: SOURCE_BUSY (retried after Retry-After, if given),
 * SOURCE_UNREACHABLE or SOURCE_REFUSED. With Retry-After, any status is SOURCE_BUSY.
 * @param subject The source, for errors.
 */
export function statusError(subject: string, answer: IncomingMessage): PipelineError {
  const { statusCode: status = 0, statusMessage = '', headers } = answer;
  const why = status === ACCEPTED ? '; the content is not there yet' : '';
  const message = `${subject}: the server answered ${`${status} ${shortened(statusMessage)}`.trimEnd()}${why}`;
  const retryAfterMs = parseRetryAfter(headers);
  if (retryAfterMs !== undefined) return new PipelineError('SOURCE_BUSY', message, { retryAfterMs });
  if (RETRY_LATER.has(status)) return new PipelineError('SOURCE_BUSY', message);
  return new PipelineError(
    status === 408 || status >= 500 ? 'SOURCE_UNREACHABLE' : 'SOURCE_REFUSED',
    message,
  );
}

/** Parses Retry-After: seconds, or a date relative to the answer's Date (RFC 9110, 10.2.3). Returns bounded ms. */
function parseRetryAfter({ 'retry-after': header, date }: IncomingHttpHeaders): number | undefined {
  if (header === undefined) return undefined;
  const time = parseHttpDate(header) ?? NaN;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : time - (parseHttpDate(date) ?? Date.now());
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}
