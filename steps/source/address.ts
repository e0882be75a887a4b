import type { HttpAccess } from '../../adapters/http/source.ts';
import { isJsonObject } from '../../lib/json-path.ts';
import { PipelineError } from '../../model/errors.ts';
import type { SourceSettings } from '../../model/settings.ts';
import { loginOf } from './login-of.ts';
import { firstPosition, type Position } from './paging.ts';

/** The source and the interval to request. */
export interface SourceRequest {
  readonly source: string;
  readonly from?: string;
  readonly to?: string;
}

/** The values of the placeholders in a source's texts. */
type Values = Readonly<Record<'from' | 'to' | 'cursor', string | number | undefined>>;

const PLACEHOLDER = /\{(from|to|cursor)\}/g;
const CURSOR = '{cursor}';

/**
 * Returns the options of a request to a source's server.
 * @param position The page; by default the first, or the whole content of a source without pages.
 * @throws {PipelineError} SETTINGS_INVALID if the request lacks an interval that the source wants, or the result is no
 * valid URL.
 */
export function accessOf(
  request: SourceRequest,
  source: SourceSettings,
  position: Position = firstPosition(source.paging),
): HttpAccess {
  const { allowCleartext, redirectHosts, allowAddresses, paging } = source;
  const { method = 'GET', headers = {}, body } = source.request ?? {};
  const own = urlOf(request, source);
  const values = { ...request, cursor: position.kind === 'own' ? position.cursor : undefined };
  const fillOne = (text: string): string | number | undefined => fill(request, text, values);
  return {
    url: position.kind === 'link' ? position.url : withQuery(own, source, values.cursor, fillOne).href,
    method,
    headers: headersOf(request, headers, fillOne),
    body: body === undefined ? undefined : JSON.stringify(filledBody(body, fillOne)),
    subject: `source ${request.source}`,
    login: loginOf(request.source, source),
    ownOrigin: own.origin,
    linkedFrom:
      position.kind === 'link' && new URL(position.url).origin !== own.origin ? position.network : undefined,
    isPaged: paging !== undefined,
    allowCleartext,
    redirectHosts,
    allowAddresses,
  };
}

/**
 * Returns a source's URL with `{from}` and `{to}` replaced.
 * @throws {PipelineError} SETTINGS_INVALID if the request lacks one of them, or the result is no valid URL.
 */
export function urlOf(request: SourceRequest, source: SourceSettings): URL {
  const filled = (source.url ?? '').replaceAll(/\{(from|to)\}/g, (_, end: 'from' | 'to') =>
    encodeURIComponent(boundOf(request, end)),
  );
  if (URL.canParse(filled)) return new URL(filled);
  throw new PipelineError(
    'SETTINGS_INVALID',
    `source ${request.source}: with the interval of the run its url is no URL`,
  );
}

function boundOf(request: SourceRequest, end: 'from' | 'to'): string {
  const value = request[end];
  if (value !== undefined) return value;
  throw new PipelineError(
    'SETTINGS_INVALID',
    `source ${request.source} wants {${end}}: start the run with --${end}`,
  );
}

/** Fills a text. One that is the cursor alone has its type, and is undefined without one. */
function fill(
  request: SourceRequest,
  text: string,
  values: Pick<Values, 'cursor'>,
): string | number | undefined {
  if (text === CURSOR) return values.cursor;
  return text.replaceAll(PLACEHOLDER, (_, name: keyof Values) =>
    name === 'cursor' ? String(values.cursor ?? '') : boundOf(request, name),
  );
}

type Fill = (text: string) => string | number | undefined;

function withQuery(
  own: URL,
  { request, paging }: SourceSettings,
  cursor: string | number | undefined,
  fillOne: Fill,
): URL {
  const url = new URL(own);
  for (const [name, text] of Object.entries(request?.query ?? {})) {
    const value = fillOne(text);
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const { parameter } = paging ?? {};
  if (parameter !== undefined && cursor !== undefined) url.searchParams.set(parameter, String(cursor));
  return url;
}

function headersOf(
  { source }: SourceRequest,
  headers: Readonly<Record<string, string>>,
  fillOne: Fill,
): Record<string, string> {
  const filled = Object.entries(headers).flatMap(([name, text]): [string, string][] => {
    const value = fillOne(text);
    return value === undefined ? [] : [[name.toLowerCase(), String(value)]];
  });
  for (const [name, value] of filled) {
    if (/^[\t\x20-\x7e]*$/.test(value)) continue;
    throw new PipelineError(
      'SOURCE_PAGED',
      `source ${source}: the header ${name} cannot have the value of this page`,
    );
  }
  return Object.fromEntries(filled);
}

/** Fills the texts of a JSON value; members and elements that are undefined then are left out. */
function filledBody(value: unknown, fillOne: Fill): unknown {
  if (typeof value === 'string') return fillOne(value);
  if (Array.isArray(value))
    return value.map((element) => filledBody(element, fillOne)).filter((element) => element !== undefined);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, filledBody(member, fillOne)]),
  );
}
