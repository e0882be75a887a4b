import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { PipelineError } from '../../model/errors.ts';
import { shortened } from './statuses.ts';
import { jsonText } from '../../lib/json-schema.ts';

/** Names of what holds the next page, or nothing on the last one; without `x-`, case and punctuation. */
const NEXT_PAGE: ReadonlySet<string> = new Set([
  ...['next', 'nextpage', 'nextcursor', 'nexttoken', 'nextlink', 'nexturl', 'nextpagetoken', 'nextpageurl'],
  ...['nextpagelink', 'cursornext', 'continuationtoken', 'mscontinuation'],
  ...['hasmore', 'hasnext', 'hasnextpage', 'paginationnextpage', 'paginationhasnext'],
]);

/** Names of what counts the pages. */
const PAGE_COUNTS: ReadonlySet<string> = new Set([
  ...['totalpages', 'pagecount', 'wptotalpages', 'paginationtotalpages', 'paginationpagecount'],
]);

/** Names of what counts the records of all pages. */
const RECORD_COUNTS: ReadonlySet<string> = new Set([
  ...['totalcount', 'total', 'wptotal', 'totalrecords', 'totalitems', 'totalresults'],
  ...['paginationtotalcount', 'paginationtotal', 'paginationcount'],
]);

/** Headers whose value is a JSON object of such names, as ASP.NET has it. */
const OBJECTS: ReadonlySet<string> = new Set(['pagination', 'paging', 'paginationheader', 'paginginfo']);

const Members = jsonText.pipe(z.record(z.string(), z.unknown()));

/** What an answer says of itself: the header, the name of what it says, and the value. */
interface Said {
  readonly header: string;
  readonly name: string;
  readonly value: string;
}

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
  const counts = saidBy(headers).filter(
    ({ name, value }) => RECORD_COUNTS.has(name) && /^\d{1,15}$/.test(value),
  );
  return counts.length === 0 ? undefined : Math.max(...counts.map(({ value }) => Number(value)));
}

function nextLink(header: string | string[] | undefined): string | undefined {
  const links = Array.isArray(header) ? header.join(', ') : header;
  return relationsOf(links ?? '').includes('next') ? 'the header Link names a next page' : undefined;
}

function nextPage(headers: IncomingHttpHeaders): string | undefined {
  const said = saidBy(headers);
  const next = said.find(({ name, value }) => NEXT_PAGE.has(name) && !NONE.has(value.toLowerCase()));
  if (next !== undefined) return `the header ${next.header} names a next page`;
  const count = said.find(({ name, value }) => PAGE_COUNTS.has(name) && Number(value) > 1);
  return count === undefined ? undefined : `the header ${count.header} counts ${count.value} pages`;
}

function saidBy(headers: IncomingHttpHeaders): Said[] {
  return Object.entries(headers).flatMap(([header, values]) => {
    const value = (Array.isArray(values) ? values.join(', ') : (values ?? '')).trim();
    const name = plain(header);
    return OBJECTS.has(name) ? membersOf(header, value) : [{ header, name, value }];
  });
}

/** The members of a JSON object; none where the value is something else. */
function membersOf(header: string, value: string): Said[] {
  const found = Members.safeParse(value);
  if (!found.success) return [];
  return Object.entries(found.data).map(([name, member]) => ({
    header,
    name: plain(name),
    value: typeof member === 'string' ? member.trim() : JSON.stringify(member),
  }));
}

function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/^x-/, '')
    .replaceAll(/[^a-z0-9]/g, '');
}

/** Content-Range in other units than bytes pages through records, as `items 0-24/100` or `0-24/*`. */
function partOfItems(contentRange: string | undefined): string | undefined {
  const [, unit = '', last = '', total = ''] =
    /^(?:([\w-]+)[ =])?\d+-(\d+)\/(\d+|\*)$/.exec((contentRange ?? '').trim()) ?? [];
  if (total === '' || unit.toLowerCase() === 'bytes') return undefined;
  const isLast = total !== '*' && Number(last) + 1 >= Number(total);
  return isLast ? undefined : `the header Content-Range says ${contentRange ?? ''}`;
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
