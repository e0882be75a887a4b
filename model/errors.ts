import { ERROR_CODES, type ErrorCode } from './error-codes.ts';

export type { ErrorCode } from './error-codes.ts';

/** Optional parts of a {@link PipelineError}. */
export interface ErrorOptionsOf {
  /** Its message is shown, so it must hold neither a payload nor a secret. */
  readonly cause?: unknown;
  /** The earliest time at which a retry makes sense, in milliseconds from now; from `Retry-After`, for example. */
  readonly retryAfterMs?: number;
}

/**
 * An error with a code. Its message says what failed and where (source, topic/partition/offset, path); it never holds a
 * payload or a secret.
 */
export class PipelineError extends Error {
  override readonly name = 'PipelineError';
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptionsOf = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Whether a retry can help. */
  get canRetry(): boolean {
    return ERROR_CODES[this.code].retry === 'transient';
  }

  /** Advice for the operator. */
  get advice(): string {
    return ERROR_CODES[this.code].advice;
  }
}

/** Returns the message of any thrown value, followed by its cause's message if that adds something. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const inner = thrown instanceof AggregateError ? (thrown.errors as unknown[])[0] : thrown.cause;
  const own = thrown.message || thrown.name;
  if (inner === undefined || inner === null) return own;
  const causeMessage = messageOf(inner);
  return own.includes(causeMessage) ? own : `${own}: ${causeMessage}`;
}
