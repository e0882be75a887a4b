import type { Network } from '../../adapters/http/networks.ts';
import { valueAtPath, type JsonObject } from '../../lib/json-path.ts';
import { PipelineError } from '../../model/errors.ts';
import type { PagingSettings } from '../../model/settings-feed.ts';

/**
 * The place of a page: at the source's own url, with a cursor, page number or offset if there is one; or at a link,
 * whose network is that of the source's own server.
 */
export type Position =
  | { readonly kind: 'own'; readonly cursor?: string | number | undefined }
  | { readonly kind: 'link'; readonly url: string; readonly network: Network };

/** A page that was read completely. */
export interface PageEnd {
  readonly position: Position;
  /** The number of its records. */
  readonly records: number;
  /** The number of records of this and all earlier pages. */
  readonly allRecords: number;
  /** Whether it has null in place of its records, which only the last page may. */
  readonly isNull?: boolean | undefined;
  /** The members beside the records; undefined if there is no object around them. */
  readonly members: JsonObject | undefined;
  /** The target of the header Link with the relation `next`, as sent. */
  readonly nextLink: string | undefined;
  /** Whether the server answered that there is no content. */
  readonly hasNoContent: boolean;
  /** Returns the position of a link; refuses one to another host, as of a redirect. */
  readonly follow: (link: string) => Position;
}

/** A longer link or cursor is refused. */
const MAX_POSITION_CHARACTERS = 8_192;

/** Returns the position of the first page. */
export function firstPosition(paging: PagingSettings | undefined): Position {
  if (paging?.style === 'page') return { kind: 'own', cursor: paging.first ?? 1 };
  if (paging?.style === 'offset') return { kind: 'own', cursor: paging.first ?? 0 };
  return { kind: 'own' };
}

/**
 * Returns the position of the page after another; null if that was the last.
 * @param subject Names the page in errors, as `source pearson, page 3`.
 * @throws {PipelineError} SOURCE_PAGED if what the page says of the next one is missing or inconsistent; SOURCE_REFUSED
 * for a link to another host.
 */
export function nextPosition(subject: string, paging: PagingSettings, page: PageEnd): Position | null {
  if (page.hasNoContent) return null;
  const hasMore = hasMorePages(subject, paging, page);
  if (hasMore === false) return null;
  const next = positionAfter(subject, paging, page);
  if (page.isNull === true && (next !== null || hasMore === true))
    throw paged(subject, 'has null in place of its records, and is not the last page');
  if (next === null && hasMore === true && page.records > 0)
    throw paged(subject, `${paging.hasMore ?? ''} is true, but there is no next page`);
  return next;
}

/**
 * Returns the number of records on all pages as a page says it; undefined if the source has no path for it.
 * @throws {PipelineError} SOURCE_PAGED if it is no count.
 */
export function totalOf(subject: string, { total: path }: PagingSettings, page: PageEnd): number | undefined {
  if (path === undefined || page.hasNoContent) return undefined;
  const value = valueAtPath(page.members, path);
  const total = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof total === 'number' && Number.isSafeInteger(total) && total >= 0) return total;
  throw paged(subject, `has no number of records in ${JSON.stringify(path)}`);
}

/** Returns whether a style requests pages by their place in the list, so that a changing list shifts its pages. */
export function isByPlace({ style }: PagingSettings): boolean {
  return style === 'page' || style === 'offset';
}

function hasMorePages(
  subject: string,
  { hasMore: path }: PagingSettings,
  { members }: PageEnd,
): boolean | undefined {
  if (path === undefined) return undefined;
  const value = valueAtPath(members, path);
  if (typeof value === 'boolean') return value;
  throw paged(subject, `has no true or false in ${JSON.stringify(path)}`);
}

function positionAfter(subject: string, paging: PagingSettings, page: PageEnd): Position | null {
  const { style, next, cursor } = paging;
  switch (style) {
    case 'header':
      return page.nextLink === undefined ? null : page.follow(short(subject, page.nextLink));
    case 'link': {
      const link = valueIn(subject, page, next ?? '');
      if (link === undefined) return null;
      if (typeof link !== 'string') throw paged(subject, `has no link in ${JSON.stringify(next)}`);
      return page.follow(link);
    }
    case 'cursor': {
      const value = valueIn(subject, page, cursor ?? '');
      return value === undefined ? null : { kind: 'own', cursor: value };
    }
    case 'page':
    case 'offset': {
      const total = totalOf(subject, paging, page);
      if (page.records === 0 || page.allRecords === total) return null;
      const place = page.position.kind === 'own' ? Number(page.position.cursor) : 0;
      return { kind: 'own', cursor: place + (style === 'page' ? 1 : page.records) };
    }
  }
}

/** Returns the text or number at a path; undefined if there is none, as on a last page. */
function valueIn(subject: string, { members }: PageEnd, path: string): string | number | undefined {
  const value = valueAtPath(members, path);
  if (value === undefined || value === null || value === '' || value === false) return undefined;
  if (typeof value === 'string') return short(subject, value);
  if (typeof value === 'number') return value;
  throw paged(subject, `has neither a text nor a number in ${JSON.stringify(path)}`);
}

function short(subject: string, text: string): string {
  if (text.length <= MAX_POSITION_CHARACTERS) return text;
  throw paged(subject, `has a link or cursor of more than ${MAX_POSITION_CHARACTERS} characters`);
}

function paged(subject: string, what: string): PipelineError {
  return new PipelineError('SOURCE_PAGED', `${subject}: ${what}`);
}
