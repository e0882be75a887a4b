import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { PipelineError } from '../../model/errors.ts';
import { parseHttpDate } from './dates.ts';

/** A longer wait is cut to this: the step asks again, and is told again. */
const MAX_RETRY_AFTER_MS = 15 * 60_000;

/** A server's own words in a message are cut to this many characters. */
const MAX_WORDS = 200;

const ACCEPTED = 202;

/** Statuses that say that the same request can succeed later: Accepted, Too Early, Too Many Requests. */
const LATER: ReadonlySet<number> = new Set([ACCEPTED, 425, 429]);

/** A text from outside, no longer than a message may quote. */
export function shortened(text: string): string {
  return text.length <= MAX_WORDS ? text : `${text.slice(0, MAX_WORDS)}…`;
}

/**
 * The error of an answer without content. With Retry-After the request is repeated then, whatever the status.
 * @param subject The source, for the message.
 */
export function statusError(subject: string, answer: IncomingMessage): PipelineError {
  const { statusCode: status = 0, statusMessage = '', headers } = answer;
  const why = status === ACCEPTED ? '; the content is not there yet' : '';
  const message = `${subject}: the server answered ${`${status} ${shortened(statusMessage)}`.trimEnd()}${why}`;
  const retryAfterMs = readRetryAfter(headers);
  if (retryAfterMs !== undefined) return new PipelineError('SOURCE_BUSY', message, { retryAfterMs });
  if (LATER.has(status)) return new PipelineError('SOURCE_BUSY', message);
  return new PipelineError(
    status === 408 || status >= 500 ? 'SOURCE_UNREACHABLE' : 'SOURCE_REFUSED',
    message,
  );
}

/** Seconds, or a date by the server's own clock (RFC 9110, 10.2.3); in milliseconds, bounded. */
function readRetryAfter({ 'retry-after': header, date }: IncomingHttpHeaders): number | undefined {
  if (header === undefined) return undefined;
  const at = parseHttpDate(header);
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : (at ?? NaN) - (parseHttpDate(date) ?? Date.now());
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}
