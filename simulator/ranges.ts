import type { IncomingHttpHeaders } from 'node:http';

/** The bytes of a representation that a request selects; `end` is exclusive. */
export type Selection =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' };

const WHOLE: Selection = { kind: 'whole' };

/**
 * Returns the selection of a GET with these headers (RFC 9110, sections 13.1.5 and 14). Anything but one well-formed
 * byte range is ignored, as the RFC allows, and so is a range whose If-Range names another representation.
 * @param etag Undefined where If-Range is ignored.
 */
export function selectionOf(headers: IncomingHttpHeaders, etag: string | undefined, size: number): Selection {
  const ifRange = headers['if-range'];
  // A weak tag or a date never matches.
  if (ifRange !== undefined && etag !== undefined && ifRange !== etag) return WHOLE;
  const match = /^bytes=(\d*)-(\d*)$/i.exec((headers.range ?? '').trim());
  return match === null ? WHOLE : rangeOf(match[1] ?? '', match[2] ?? '', size);
}

/** Returns the range `first`-`last` of a Range header; either may be empty. */
function rangeOf(first: string, last: string, size: number): Selection {
  if (first === '') return last === '' ? WHOLE : partOf(Math.max(0, size - Number(last)), size, size);
  if (last === '') return partOf(Number(first), size, size);
  if (Number(last) < Number(first)) return WHOLE;
  return partOf(Number(first), Math.min(size, Number(last) + 1), size);
}

function partOf(start: number, end: number, size: number): Selection {
  return start >= size ? { kind: 'unsatisfiable' } : { kind: 'part', start, end };
}

/** Returns whether If-None-Match names this entity tag. */
export function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag);
}

/** Returns whether Accept-Encoding allows gzip. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return (acceptEncoding ?? '').split(',').some((coding) => {
    const [name = '', ...parameters] = coding.split(';').map((part) => part.trim().toLowerCase());
    return (
      (name === 'gzip' || name === '*') && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
    );
  });
}
