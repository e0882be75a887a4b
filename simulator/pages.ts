import { randomUUID } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { type Exchange, sendHead, sendJson, sendBody } from './answers.ts';
import type { Fault } from './faults.ts';
import { generateAttempts } from './generator.ts';

/** The ways in which a page names the next one. */
const STYLES = ['link', 'header', 'cursor', 'page', 'offset'] as const;

type Style = (typeof STYLES)[number];

/** The path of attempts in pages, as `/pages/cursor`, optionally below a customer's name. */
export const PAGES_PATH = /^(?:\/[A-Za-z0-9_%-]+)?\/pages\/(link|header|cursor|page|offset)$/;

/** Which attempts are served in pages. */
export interface PagesDefaults {
  readonly seed: number;
  readonly count: number;
}

/** A page: a range of the attempts. */
interface Range {
  readonly start: number;
  readonly size: number;
  readonly count: number;
}

const MAX_COUNT = 1_000_000;
const MAX_SIZE = 10_000;

/**
 * Responds with one page of attempts: `{"meta": …, "data": {"items": […]}, "links": …}`. Parameters: `size`, `seed`,
 * `count`, and `after`, `cursor`, `page` or `offset` by the style. A POST may have the cursor in its JSON body.
 */
export async function answerPage(
  exchange: Exchange,
  defaults: PagesDefaults,
  fault: Fault | undefined,
  body: unknown,
): Promise<void> {
  const { url } = exchange;
  const style = STYLES.find((name) => url.pathname.endsWith(`/${name}`)) ?? 'link';
  const range = rangeOf(style, url.searchParams, defaults, body);
  if (range === undefined) {
    sendJson(exchange, 400, { error: 'The page, its size or the count is no number in range.' });
    return;
  }
  const next = fault?.kind === 'cycle' ? 0 : Math.min(range.start + range.size, range.count);
  const hasMore = next < range.count;
  const text = JSON.stringify(pageOf(exchange, style, range, hasMore ? next : undefined, defaults));
  const headers: OutgoingHttpHeaders = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(style === 'header' && hasMore
      ? { link: `<${linkTo(url, next)}>; rel="next", <${url.pathname}>; rel="first"` }
      : {}),
  };
  sendHead(exchange, 200, headers);
  await sendBody(exchange, textOf(text), fault?.kind === 'cut' ? { cutAfter: fault.bytes } : {});
}

/** @param next The first attempt of the next page; undefined on the last. */
function pageOf(
  { url }: Exchange,
  style: Style,
  { start, size, count }: Range,
  next: number | undefined,
  defaults: PagesDefaults,
): object {
  const seed =
    numberIn(url.searchParams.get('seed'), defaults.seed, Number.MAX_SAFE_INTEGER) ?? defaults.seed;
  const items = [...generateAttempts({ seed, count: Math.min(start + size, count) })].slice(start);
  const cursor = style === 'cursor' && next !== undefined ? cursorOf(next) : null;
  const link = style === 'link' && next !== undefined ? linkTo(url, next) : null;
  return {
    // Differs in each answer, as the time of a server does.
    request: randomUUID(),
    meta: { total: count, has_more: next !== undefined, next_cursor: cursor },
    data: { items },
    links: { next: link },
  };
}

function rangeOf(
  style: Style,
  search: URLSearchParams,
  defaults: PagesDefaults,
  body: unknown,
): Range | undefined {
  const size = numberIn(search.get('size'), 100, MAX_SIZE);
  const count = numberIn(search.get('count'), defaults.count, MAX_COUNT);
  const start = startOf(style, search, size ?? 0, body);
  if (size === undefined || size === 0 || count === undefined || start === undefined) return undefined;
  return { start, size, count };
}

function startOf(style: Style, search: URLSearchParams, size: number, body: unknown): number | undefined {
  if (style === 'page') {
    const page = numberIn(search.get('page'), 1, MAX_COUNT);
    return page === undefined || page === 0 ? undefined : (page - 1) * size;
  }
  if (style === 'offset') return numberIn(search.get('offset'), 0, MAX_COUNT);
  if (style !== 'cursor') return numberIn(search.get('after'), 0, MAX_COUNT);
  const sent = search.get('cursor') ?? memberOf(body, 'cursor');
  return sent === undefined ? 0 : numberIn(Buffer.from(sent, 'base64url').toString('utf8'), 0, MAX_COUNT);
}

function cursorOf(start: number): string {
  return Buffer.from(String(start)).toString('base64url');
}

function linkTo(url: URL, start: number): string {
  const next = new URL(url);
  next.searchParams.set('after', String(start));
  return `${next.pathname}${next.search}`;
}

function numberIn(text: string | null, standard: number, max: number): number | undefined {
  if (text === null) return standard;
  return /^\d{1,16}$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}

function memberOf(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const member = new Map<string, unknown>(Object.entries(value)).get(name);
  return typeof member === 'string' ? member : undefined;
}

async function* textOf(text: string): AsyncGenerator<Buffer> {
  yield await Promise.resolve(Buffer.from(text));
}
