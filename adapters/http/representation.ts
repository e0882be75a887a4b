import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { parseHttpDate } from './dates.ts';
import { totalRecordsOf } from './pages.ts';

/**
 * The metadata of a representation (RFC 9110, 8). Bytes of two answers can be joined only if it is equal.
 */
export const Representation = z.object({
  /** The value for If-Range: a strong ETag or a strong Last-Modified; undefined without either. */
  validator: z.string().optional(),
  etag: z.string().optional(),
  lastModified: z.string().optional(),
  contentType: z.string().optional(),
  contentEncoding: z.string().optional(),
  /** The complete length in bytes. */
  totalBytes: z.number().optional(),
  /** The number of records on all pages, as declared by the server. */
  totalRecords: z.number().optional(),
  /** The SHA-256 of the URL without its query; hashed, since a URL can contain a secret. */
  address: z.string(),
  /** The SHA-256 of the query. */
  query: z.string(),
});

/** The metadata of a representation. */
export type Representation = z.infer<typeof Representation>;

/** A Content-Range: the first and last byte, inclusive, and the complete length. */
export interface ContentRange {
  readonly first: number;
  readonly last: number;
  readonly total: number;
}

/**
 * The age relative to the answer's Date at which a Last-Modified is a strong validator: neither a second change in the
 * same second nor clock skew can give two contents the same date (RFC 9110, 8.8.2.2).
 */
const STRONG_AGE_MS = 60_000;

const STRONG_ETAG = /^"[\x21\x23-\x7e\x80-\xff]*"$/;

/**
 * Returns the metadata of a complete answer (200).
 * @param url The URL that answered.
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
    ...hashUrl(url),
  };
}

/**
 * Returns whether a download can be resumed from a URL. Another path, or another query without a strong ETag, can be
 * another content with the same validator.
 */
export function isRangeAt(first: Representation, url: URL): boolean {
  const { address, query } = hashUrl(url);
  if (address !== first.address) return false;
  return query === first.query || first.validator === first.etag;
}

/**
 * Compares a partial answer (206) with the first answer; returns the name of what differs, undefined if it is the same
 * representation. If-Range alone is not enough: some servers and caches ignore it.
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
  // A 206 must repeat the ETag and may then omit Last-Modified (RFC 9110, 15.3.7).
  if (headers.etag !== first.etag) return 'ETag';
  const mayOmitDate = lastModified === undefined && first.validator === first.etag;
  if (lastModified !== first.lastModified && !mayOmitDate) return 'Last-Modified';
  // Content-Encoding may be omitted too, but a server with one ETag for all encodings may have changed it.
  return headers['content-encoding'] === first.contentEncoding ? undefined : 'Content-Encoding';
}

/** Parses a Content-Range in bytes; undefined if it is invalid or has no complete length. */
export function readContentRange(header: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(header ?? '');
  if (match === null) return undefined;
  const [first = 0, last = 0, total = 0] = match.slice(1).map(Number);
  return first <= last && last < total ? { first, last, total } : undefined;
}

/** Returns the length of a range in bytes. */
export function bytesIn({ first, last }: ContentRange): number {
  return last - first + 1;
}

function strongValidator({ etag, 'last-modified': modified, date }: IncomingHttpHeaders): string | undefined {
  if (etag !== undefined && STRONG_ETAG.test(etag)) return etag;
  // With a weak ETag, the server declares that bytes may differ, so a date is no strong validator either.
  if (etag !== undefined || modified === undefined) return undefined;
  const [modifiedMs, dateMs] = [parseHttpDate(modified), parseHttpDate(date)];
  if (modifiedMs === undefined || dateMs === undefined) return undefined;
  return dateMs - modifiedMs >= STRONG_AGE_MS ? modified : undefined;
}

function hashUrl({ origin, pathname, search }: URL): Pick<Representation, 'address' | 'query'> {
  return { address: sha256(`${origin}${pathname}`), query: sha256(search) };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
