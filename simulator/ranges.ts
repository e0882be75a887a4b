import type { IncomingHttpHeaders } from 'node:http';

/** Which bytes of a representation a request gets: [start, end). */
export type Selection =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' };

const WHOLE: Selection = { kind: 'whole' };

/**
 * What a GET with these headers selects (RFC 9110, sections 13.1.5 and 14). Anything but one well-formed
 * range of bytes is ignored, as the standard allows, and so is a range whose If-Range names other content.
 * @param etag Undefined where If-Range is ignored.
 */
export function selectionOf(headers: IncomingHttpHeaders, etag: string | undefined, size: number): Selection {
  const ifRange = headers['if-range'];
  // A weak tag or a date never matches.
  if (ifRange !== undefined && etag !== undefined && ifRange !== etag) return WHOLE;
  const match = /^bytes=(\d*)-(\d*)$/i.exec((headers.range ?? '').trim());
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return WHOLE;
  if (first === '') return partOf(Math.max(0, size - Number(last)), size, size);
  if (last !== '' && Number(last) < Number(first)) return WHOLE;
  return partOf(Number(first), last === '' ? size : Math.min(size, Number(last) + 1), size);
}

function partOf(start: number, end: number, size: number): Selection {
  return start >= size ? { kind: 'unsatisfiable' } : { kind: 'part', start, end };
}

/** Whether the client already has this content, by its If-None-Match. */
export function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag);
}

/** Whether a client accepts gzip as a coding of the transfer. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return (acceptEncoding ?? '').split(',').some((coding) => {
    const [name = '', ...parameters] = coding.split(';').map((part) => part.trim().toLowerCase());
    return (
      (name === 'gzip' || name === '*') && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
    );
  });
}
