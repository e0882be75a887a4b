import type { IncomingHttpHeaders } from 'node:http';
import { PipelineError } from '../model/errors.ts';
import { shortened } from './http-statuses.ts';

/** Headers that hold the next page, or nothing on the last one. */
const NEXT_PAGE = [
  ...['x-next-page', 'x-next-cursor', 'x-next-token', 'x-next-link', 'x-next-page-token', 'next-page'],
  ...['x-continuation-token', 'x-ms-continuation', 'x-has-more', 'x-has-next', 'x-has-next-page'],
] as const;

/** Headers that count the pages. */
const PAGE_COUNTS = ['x-total-pages', 'x-page-count', 'x-wp-totalpages'] as const;

/** Headers that count the records of all pages. */
const RECORD_COUNTS = ['x-total-count', 'x-total', 'x-wp-total', 'total-count'] as const;

/** Values by which servers say that there is no next page. */
const NONE: ReadonlySet<string> = new Set(['', '0', '-1', 'false', 'no', 'none', 'null', 'nil', 'undefined']);

/**
 * Refuses an answer that is one page of several: only this one would be ingested, without a word.
 * @param subject The source, for the message.
 * @throws {PipelineError} SOURCE_PAGED, naming the header.
 */
export function requireOnlyPage(subject: string, headers: IncomingHttpHeaders): void {
  const found = nextLink(headers['link']) ?? nextPage(headers) ?? partOfItems(headers['content-range']);
  if (found === undefined) return;
  throw new PipelineError(
    'SOURCE_PAGED',
    `${subject}: the server sent one page of several, and only one page can be read: ${shortened(found)}`,
  );
}

/** How many records all pages have, by the headers; undefined where none says it. */
export function totalRecordsOf(headers: IncomingHttpHeaders): number | undefined {
  const counts = RECORD_COUNTS.map((name) => valueOf(headers, name)).filter((value) =>
    /^\d{1,15}$/.test(value),
  );
  return counts.length === 0 ? undefined : Math.max(...counts.map(Number));
}

function nextLink(header: string | string[] | undefined): string | undefined {
  const links = Array.isArray(header) ? header.join(', ') : header;
  return relationsOf(links ?? '').includes('next') ? 'the header Link names a next page' : undefined;
}

function nextPage(headers: IncomingHttpHeaders): string | undefined {
  const next = NEXT_PAGE.find((name) => !NONE.has(valueOf(headers, name).toLowerCase()));
  if (next !== undefined) return `the header ${next} names a next page`;
  const count = PAGE_COUNTS.find((name) => Number(valueOf(headers, name)) > 1);
  return count === undefined ? undefined : `the header ${count} counts ${valueOf(headers, count)} pages`;
}

/** Content-Range in other units than bytes pages through records, as `items 0-24/100` or `0-24/*`. */
function partOfItems(contentRange: string | undefined): string | undefined {
  const [, unit = '', last = '', total = ''] =
    /^(?:([\w-]+)[ =])?\d+-(\d+)\/(\d+|\*)$/.exec((contentRange ?? '').trim()) ?? [];
  if (total === '' || unit.toLowerCase() === 'bytes') return undefined;
  const isLast = total !== '*' && Number(last) + 1 >= Number(total);
  return isLast ? undefined : `the header Content-Range says ${contentRange ?? ''}`;
}

function valueOf(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return (Array.isArray(value) ? value.join(', ') : (value ?? '')).trim();
}

/**
 * The relation types of a Link header (RFC 8288, 3), in small letters. What is malformed is skipped to the next
 * link, so that no other header hides one.
 */
export function relationsOf(header: string): string[] {
  const relations: string[] = [];
  for (const [, parameters = ''] of header.matchAll(LINK)) {
    // Of several parameters rel, the first one counts.
    const [, quoted, token] = REL.exec(parameters) ?? [];
    const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? token?.replaceAll("'", '') ?? '';
    relations.push(
      ...value
        .toLowerCase()
        .split(/\s+/)
        .filter((relation) => relation !== ''),
    );
  }
  return relations;
}

/** A target in angle brackets and its parameters, up to a comma outside of quotes. */
const LINK = /<[^>]*>((?:[^",<]|"(?:[^"\\]|\\.)*"?)*)/g;
const REL = /^(?:[^"]|"(?:[^"\\]|\\.)*")*?;\s*rel\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^\s";,]+))/i;
