import { attempts, type AttemptsOptions } from './generator.ts';

/** How a feed is laid out: one JSON array, or one attempt a line. */
export type FeedFormat = 'json-array' | 'ndjson';

/** Which attempts a feed has, and how they are written. */
export interface FeedOptions extends AttemptsOptions {
  readonly format: FeedFormat;
  /** Without the spaces after `,` and `:` that the real feed has. */
  readonly compact?: boolean;
}

/** How large a piece of a feed is at least, but for the last one. */
const PIECE_CHARACTERS = 64 * 1024;

/**
 * The feed in pieces of about 64 KB of UTF-8. A piece may end anywhere between two attempts. The whole ends
 * with a line break, in both formats.
 *
 * @throws PipelineError SETTINGS_INVALID as {@link attempts} does.
 */
export function* feed(options: FeedOptions): Generator<Buffer, void, undefined> {
  const { format, compact = false } = options;
  const written = compact ? JSON.stringify : spaced;
  const [opening, separator, closing] =
    format === 'ndjson' ? ['', '\n', ''] : ['[', compact ? ',' : ', ', ']'];
  let piece = opening;
  let first = true;
  for (const attempt of attempts(options)) {
    piece += first ? written(attempt) : separator + written(attempt);
    first = false;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield Buffer.from(piece);
    piece = '';
  }
  if (format === 'ndjson' && first) return;
  yield Buffer.from(`${piece}${closing}\n`);
}

/** The strings that JSON needs not escape. */
const PLAIN = /^[ !#-[\]-~]*$/;

/**
 * JSON with a space after each `,` and `:`, as Python writes it and as the real feed has it. Concatenation
 * and for-in make it as fast as JSON.stringify; `map`, `join` and Object.keys take half as long again.
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
