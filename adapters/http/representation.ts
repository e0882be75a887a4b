import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { parseHttpDate } from './dates.ts';
import { totalRecordsOf } from './pages.ts';

/**
 * What an answer says of the representation that its bytes are of (RFC 9110, 8). Bytes of two answers belong
 * together only where these agree.
 */
export const Representation = z.object({
  /** The value for If-Range: a strong ETag or a strong Last-Modified; undefined where it has neither. */
  validator: z.string().optional(),
  etag: z.string().optional(),
  lastModified: z.string().optional(),
  contentType: z.string().optional(),
  contentEncoding: z.string().optional(),
  /** The length of all of it, in bytes. */
  totalBytes: z.number().optional(),
  /** How many records all pages have by the server's count. */
  totalRecords: z.number().optional(),
  /** The SHA-256 of the address that answered, without its query: the address may hold a secret. */
  address: z.string(),
  /** The SHA-256 of its query. */
  query: z.string(),
});

/** What an answer says of the representation that its bytes are of. */
export type Representation = z.infer<typeof Representation>;

/** A range of bytes by a Content-Range: the first, the last, and how many there are in all. */
export interface ContentRange {
  readonly first: number;
  readonly last: number;
  readonly total: number;
}

/**
 * A Last-Modified is strong when it is so much older than the Date of its answer that neither a second change in
 * the same second nor two clocks that differ can make it stand for two contents (RFC 9110, 8.8.2.2).
 */
const STRONG_AGE_MS = 60_000;

const STRONG_ETAG = /^"[\x21\x23-\x7e\x80-\xff]*"$/;

/**
 * Describes the representation of an answer with all of it (200).
 * @param url The address that answered.
 */
export function representationOf(headers: IncomingHttpHeaders, url: URL): Representation {
  const { etag, 'last-modified': lastModified, 'content-length': length } = headers;
  return {
    validator: strongValidator(headers),
    etag,
    lastModified,
    contentType: headers['content-type'],
    contentEncoding: headers['content-encoding'],
    totalBytes: length === undefined ? undefined : Number(length),
    totalRecords: totalRecordsOf(headers),
    ...placeOf(url),
  };
}

/**
 * Whether the rest of a representation can be requested of an address. Another path, or another query without a
 * strong ETag, can be another content with the same validator.
 */
export function isRangeAt(first: Representation, url: URL): boolean {
  const { address, query } = placeOf(url);
  if (address !== first.address) return false;
  return query === first.query || first.validator === first.etag;
}

/**
 * How an answer with the rest (206) contradicts the first one; undefined where it goes on with the same
 * representation. If-Range alone does not tell: servers and caches that ignore it send the rest of what they have now.
 * @param fromByte The first byte that was requested.
 */
export function differenceFrom(
  first: Representation,
  fromByte: number,
  headers: IncomingHttpHeaders,
): string | undefined {
  const range = readContentRange(headers['content-range']);
  const { 'content-length': length, 'last-modified': lastModified } = headers;
  if (range === undefined) return 'Content-Range';
  if (range.first !== fromByte) return 'the first byte';
  if (range.total !== (first.totalBytes ?? range.total)) return 'the length';
  if (Number(length ?? bytesIn(range)) !== bytesIn(range)) return 'Content-Length';
  // A 206 must repeat the ETag (RFC 9110, 15.3.7), and may leave out Last-Modified beside it.
  if (headers.etag !== first.etag) return 'ETag';
  const mayOmitDate = lastModified === undefined && first.validator === first.etag;
  if (lastModified !== first.lastModified && !mayOmitDate) return 'Last-Modified';
  // It may leave out the coding too, but a server with one ETag for all codings may have changed it.
  return headers['content-encoding'] === first.contentEncoding ? undefined : 'Content-Encoding';
}

/** Reads a Content-Range of bytes; undefined where it is none, contradicts itself, or gives no length. */
export function readContentRange(header: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(header ?? '');
  if (match === null) return undefined;
  const [first = 0, last = 0, total = 0] = match.slice(1).map(Number);
  return first <= last && last < total ? { first, last, total } : undefined;
}

/** How many bytes a range has. */
export function bytesIn({ first, last }: ContentRange): number {
  return last - first + 1;
}

function strongValidator({ etag, 'last-modified': modified, date }: IncomingHttpHeaders): string | undefined {
  if (etag !== undefined && STRONG_ETAG.test(etag)) return etag;
  // Beside a weak ETag a date tells nothing more: the server itself says that bytes may differ.
  if (etag !== undefined || modified === undefined) return undefined;
  const [modifiedMs, dateMs] = [parseHttpDate(modified), parseHttpDate(date)];
  if (modifiedMs === undefined || dateMs === undefined) return undefined;
  return dateMs - modifiedMs >= STRONG_AGE_MS ? modified : undefined;
}

function placeOf({ origin, pathname, search }: URL): Pick<Representation, 'address' | 'query'> {
  return { address: sha256(`${origin}${pathname}`), query: sha256(search) };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
