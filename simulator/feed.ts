import { generateAttempts, type AttemptsOptions } from './generator.ts';

/** Format of a feed: one JSON array, or NDJSON. */
export type FeedFormat = 'json-array' | 'ndjson';

/** Attempts of a feed, and their format. */
export interface FeedOptions extends AttemptsOptions {
  readonly format: FeedFormat;
  /** Omits the spaces after `,` and `:` that the real feed has. */
  readonly compact?: boolean;
}

/** Minimum size of a piece of a feed, except for the last. */
const PIECE_CHARACTERS = 64 * 1024;

/**
 * Generates the feed in pieces of about 64 KB of UTF-8, split between attempts. It ends with a line break in both
 * formats.
 *
 * @throws PipelineError SETTINGS_INVALID as {@link generateAttempts} does.
 */
export function* generateFeed(options: FeedOptions): Generator<Buffer, void, undefined> {
  const { format, compact = false } = options;
  const written = compact ? JSON.stringify : spaced;
  const [opening, separator, closing] =
    format === 'ndjson' ? ['', '\n', ''] : ['[', compact ? ',' : ', ', ']'];
  let piece = opening;
  let first = true;
  for (const attempt of generateAttempts(options)) {
    piece += first ? written(attempt) : separator + written(attempt);
    first = false;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield Buffer.from(piece);
    piece = '';
  }
  if (format === 'ndjson' && first) return;
  yield Buffer.from(`${piece}${closing}\n`);
}

/** Strings without characters that JSON escapes. */
const PLAIN = /^[ !#-[\]-~]*$/;

/**
 * Formats JSON with a space after each `,` and `:`, as Python and the real feed do. Concatenation and for-in make it
 * as fast as JSON.stringify; `map`, `join` and Object.keys would take half as long again.
 */
function spaced(value: unknown): string {
  if (typeof value === 'string') return PLAIN.test(value) ? `"${value}"` : JSON.stringify(value);
  if (Array.isArray(value)) {
    let items = '';
    for (const item of value) items += (items === '' ? '' : ', ') + spaced(item);
    return `[${items}]`;
  }
  if (!isRecord(value)) return String(value);
  let members = '';
  for (const key in value) members += `${members === '' ? '"' : ', "'}${key}": ${spaced(value[key])}`;
  return `{${members}}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
