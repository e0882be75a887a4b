import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { PipelineError } from '../../model/errors.ts';
import { escapeText } from '../../model/printable.ts';
import { parseHttpDate } from './dates.ts';

/** Limit for Retry-After; after it the request is repeated, and can be delayed again. */
const MAX_RETRY_AFTER_MS = 15 * 60_000;

/** Limit in characters for a server's text in an error. */
const MAX_QUOTED_CHARACTERS = 200;

const ACCEPTED = 202;

/** Statuses for which the same request can succeed later: Accepted, Too Early, Too Many Requests. */
const RETRY_LATER: ReadonlySet<number> = new Set([ACCEPTED, 425, 429]);

/** Truncates a foreign text for an error, and escapes what a terminal could interpret. */
export function shortened(text: string): string {
  if (text.length <= MAX_QUOTED_CHARACTERS) return escapeText(text);
  return `${escapeText(text.slice(0, MAX_QUOTED_CHARACTERS))}…`;
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
  const retryAfterMs = parseRetryAfter(headers) ?? (status === 429 ? parseReset(headers) : undefined);
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

/** Seconds since 1970 are larger; seconds until the reset are smaller. */
const MAX_DELTA_SECONDS = 1e9;

/**
 * Returns the time to wait before the next request by the headers about rate limits, in milliseconds: until the reset
 * if no request remains (`RateLimit`, `RateLimit-Remaining`, `X-RateLimit-Remaining`); otherwise 0.
 */
export function pauseOf(headers: IncomingHttpHeaders): number {
  const remaining = rateLimitOf(headers, 'remaining', 'r');
  return remaining === 0 ? (parseReset(headers) ?? 0) : 0;
}

/** Returns the bounded time until the reset of a rate limit, in milliseconds; undefined without one. */
function parseReset(headers: IncomingHttpHeaders): number | undefined {
  const reset = rateLimitOf(headers, 'reset', 't');
  if (reset === undefined) return undefined;
  const ms =
    reset < MAX_DELTA_SECONDS ? reset * 1000 : reset * 1000 - (parseHttpDate(headers.date) ?? Date.now());
  return Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

/**
 * Returns a number of the headers about rate limits.
 * @param name The end of the name of a header of its own.
 * @param parameter The parameter of the header RateLimit, as `"default";r=50;t=30`.
 */
function rateLimitOf(headers: IncomingHttpHeaders, name: string, parameter: string): number | undefined {
  const own = headers[`ratelimit-${name}`] ?? headers[`x-ratelimit-${name}`];
  const { ratelimit: combined } = headers;
  const inCombined = new RegExp(`;\\s*${parameter}\\s*=\\s*(\\d{1,12})`).exec(String(combined ?? ''))?.[1];
  const text = typeof own === 'string' && /^\d{1,12}$/.test(own.trim()) ? own.trim() : inCombined;
  return text === undefined ? undefined : Number(text);
}
