import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { PipelineError } from '../../model/errors.ts';
import { shortened } from './statuses.ts';
import { jsonText } from '../../lib/json-schema.ts';

/** Header names for the next page; absent or empty on the last one. Without `x-`, in lower case, letters and digits only. */
const NEXT_PAGE: ReadonlySet<string> = new Set([
  ...['next', 'nextpage', 'nextcursor', 'nexttoken', 'nextlink', 'nexturl', 'nextpagetoken', 'nextpageurl'],
  ...['nextpagelink', 'cursornext', 'continuationtoken', 'mscontinuation'],
  ...['hasmore', 'hasnext', 'hasnextpage', 'paginationnextpage', 'paginationhasnext'],
]);

/** Header names for the number of pages. */
const PAGE_COUNTS: ReadonlySet<string> = new Set([
  ...['totalpages', 'pagecount', 'wptotalpages', 'paginationtotalpages', 'paginationpagecount'],
]);

/** Header names for the number of records on all pages. */
const RECORD_COUNTS: ReadonlySet<string> = new Set([
  ...['totalcount', 'total', 'wptotal', 'totalrecords', 'totalitems', 'totalresults'],
  ...['paginationtotalcount', 'paginationtotal', 'paginationcount'],
]);

/** Headers whose value is a JSON object with such names, as in ASP.NET. */
const JSON_HEADERS: ReadonlySet<string> = new Set(['pagination', 'paging', 'paginationheader', 'paginginfo']);

const Members = jsonText.pipe(z.record(z.string(), z.unknown()));

/** A value in a header, or in a JSON object in a header. */
interface HeaderField {
  readonly header: string;
  /** Normalized by {@link normalize}. */
  readonly name: string;
  readonly value: string;
}

/** Values that mean there is no next page. */
const NO_PAGE: ReadonlySet<string> = new Set([
  '',
  '0',
  '-1',
  'false',
  'no',
  'none',
  'null',
  'nil',
  'undefined',
]);

/**
 * Requires that an answer is not one page of several: the other pages would be missed silently.
 * @param subject The source, for errors.
 * @throws {PipelineError} SOURCE_PAGED, naming the header.
 */
export function requireOnlyPage(subject: string, headers: IncomingHttpHeaders): void {
  const found =
    (nextLinkOf(headers) === undefined ? undefined : 'the header Link names a next page') ??
    nextPage(headers) ??
    partOfItems(headers['content-range']);
  if (found === undefined) return;
  throw new PipelineError(
    'SOURCE_PAGED',
    `${subject}: the server sent one page of several, and only one page can be read: ${shortened(found)}`,
  );
}

/** Returns the number of records on all pages by the headers; undefined if no header has it. */
export function totalRecordsOf(headers: IncomingHttpHeaders): number | undefined {
  const counts = fieldsOf(headers).filter(
    ({ name, value }) => RECORD_COUNTS.has(name) && /^\d{1,15}$/.test(value),
  );
  return counts.length === 0 ? undefined : Math.max(...counts.map(({ value }) => Number(value)));
}

/** Returns the target of the first link with the relation `next`, as sent; undefined without one. */
export function nextLinkOf({ link }: IncomingHttpHeaders): string | undefined {
  const header = Array.isArray(link) ? link.join(', ') : link;
  return linksOf(header ?? '').find(({ relations }) => relations.includes('next'))?.target;
}

function nextPage(headers: IncomingHttpHeaders): string | undefined {
  const fields = fieldsOf(headers);
  const next = fields.find(({ name, value }) => NEXT_PAGE.has(name) && !NO_PAGE.has(value.toLowerCase()));
  if (next !== undefined) return `the header ${next.header} names a next page`;
  const count = fields.find(({ name, value }) => PAGE_COUNTS.has(name) && Number(value) > 1);
  return count === undefined ? undefined : `the header ${count.header} counts ${count.value} pages`;
}

function fieldsOf(headers: IncomingHttpHeaders): HeaderField[] {
  return Object.entries(headers).flatMap(([header, values]) => {
    const value = (Array.isArray(values) ? values.join(', ') : (values ?? '')).trim();
    const name = normalize(header);
    return JSON_HEADERS.has(name) ? membersOf(header, value) : [{ header, name, value }];
  });
}

/** Returns the members of a JSON object; empty for any other value. */
function membersOf(header: string, value: string): HeaderField[] {
  const found = Members.safeParse(value);
  if (!found.success) return [];
  return Object.entries(found.data).map(([name, member]) => ({
    header,
    name: normalize(name),
    value: typeof member === 'string' ? member.trim() : JSON.stringify(member),
  }));
}

function normalize(name: string): string {
  return name
    .toLowerCase()
    .replace(/^x-/, '')
    .replaceAll(/[^a-z0-9]/g, '');
}

/** Content-Range in units other than bytes is used for paging, as `items 0-24/100` or `0-24/*`. */
function partOfItems(contentRange: string | undefined): string | undefined {
  const [, unit = '', last = '', total = ''] =
    /^(?:([\w-]+)[ =])?\d+-(\d+)\/(\d+|\*)$/.exec((contentRange ?? '').trim()) ?? [];
  if (total === '' || unit.toLowerCase() === 'bytes') return undefined;
  const isLast = total !== '*' && Number(last) + 1 >= Number(total);
  return isLast ? undefined : `the header Content-Range says ${contentRange ?? ''}`;
}

/** Returns the relation types of all links of a Link header, in lower case. */
export function relationsOf(header: string): string[] {
  return linksOf(header).flatMap(({ relations }) => relations);
}

/** A link of a Link header. */
interface HeaderLink {
  /** As sent: it may be relative. */
  readonly target: string;
  /** In lower case. */
  readonly relations: readonly string[];
}

/** Parses a Link header (RFC 8288, 3). Malformed parts are skipped up to the next link. */
function linksOf(header: string): HeaderLink[] {
  const links: HeaderLink[] = [];
  for (const [, target = '', parameters = ''] of header.matchAll(LINK)) {
    // The first of several rel parameters counts.
    const [, quoted, token] = REL.exec(parameters) ?? [];
    const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? token?.replaceAll("'", '') ?? '';
    const relations = value
      .toLowerCase()
      .split(/\s+/)
      .filter((relation) => relation !== '');
    links.push({ target: target.trim(), relations });
  }
  return links;
}

/** A target in angle brackets and its parameters, up to a comma outside of quotes. */
const LINK = /<([^>]*)>((?:[^",<]|"(?:[^"\\]|\\.)*"?)*)/g;
const REL = /^(?:[^"]|"(?:[^"\\]|\\.)*")*?;\s*rel\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^\s";,]+))/i;
