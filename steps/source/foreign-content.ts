import { safeJson } from '../../model/printable.ts';
import type { JsonOutline } from './json-outline.ts';
import { isJsonObject, type JsonObject } from '../../lib/json-path.ts';
import { defaultShape } from '../../records/contracts.ts';

/** Members that refer to the next page of a list, in lower case without punctuation. */
const NEXT_PAGE = new Set([
  'next',
  'nextpage',
  'nextlink',
  'nexturl',
  'nexturi',
  'nexthref',
  'nexttoken',
  'nextpagetoken',
  'nextpageurl',
  'nextcursor',
  'nextoffset',
  'nextkey',
  'nextmarker',
  'nextrecordsurl',
  'odatanextlink',
  'continuationtoken',
  'continuation',
  'hasmore',
  'hasnext',
  'hasnextpage',
  'moreavailable',
  'morerecords',
  'more',
  'nextpagelink',
  'hydranext',
  'lastevaluatedkey',
  'istruncated',
  'truncated',
]);

/** Members that are false if another page follows. */
const LAST_PAGE = new Set(['last', 'done', 'islast', 'islastpage', 'lastpage']);

/** Members with metadata about pages. */
const ABOUT_PAGES = new Set([
  'links',
  'link',
  'paging',
  'pagination',
  'page',
  'pageinfo',
  'pages',
  'meta',
  'metadata',
  'cursor',
  'cursors',
  'responsemetadata',
  'hydraview',
  'info',
]);

const ERROR = new Set(['error', 'errors', 'fault', 'exception']);

const MAX_NAME = 100;

/** Nesting depth that is searched for a reference to a next page. */
const MAX_DEPTH = 3;

/** The kind of a JSON value that is no record. */
export type Foreign =
  /** Refers to another page of records. */
  | { readonly kind: 'page'; readonly member: string }
  | { readonly kind: 'error'; readonly member: string }
  /** An object around records. */
  | { readonly kind: 'wrapper'; readonly member: string }
  | { readonly kind: 'array' }
  | { readonly kind: 'object' };

/**
 * Describes a complete JSON text that is no record.
 * @returns Undefined if it is no JSON object or array, or has a field of a record.
 */
export function foreignRecord(text: string): Foreign | undefined {
  const value = parse(text);
  if (Array.isArray(value)) return { kind: 'array' };
  if (!isObject(value)) return undefined;
  const members = Object.entries(value);
  if (members.some(([name]) => isField(name))) return undefined;
  const next = nextPage(value);
  if (next !== undefined) return { kind: 'page', member: next };
  const [error] = members.find(([name, member]) => ERROR.has(plain(name)) && isSet(member)) ?? [];
  const [wrapper] = members.find(([, member]) => Array.isArray(member)) ?? [];
  if (error !== undefined && wrapper === undefined) return { kind: 'error', member: error };
  if (wrapper !== undefined)
    return { kind: ERROR.has(plain(wrapper)) ? 'error' : 'wrapper', member: wrapper };
  return { kind: 'object' };
}

/** Describes the first JSON value of a content by its outline, if it is too large to be parsed. */
export function foreignOutline({ kind, members }: JsonOutline): Foreign | undefined {
  if (kind === 'array') return { kind: 'array' };
  if (kind !== 'object' || members.some(({ name }) => isField(name))) return undefined;
  const wrapper = members.find((member) => member.kind === 'array');
  const error = members.find(({ name }) => ERROR.has(plain(name)));
  if (error !== undefined) return { kind: 'error', member: error.name };
  return wrapper === undefined ? { kind: 'object' } : { kind: 'wrapper', member: wrapper.name };
}

/** Describes a foreign value for errors. */
export function foreignText(foreign: Foreign): string {
  switch (foreign.kind) {
    case 'page':
      return `one page of several: ${quotedName(foreign.member)} refers to the next page, and the source has no setting paging`;
    case 'error':
      return `an error object (with the member ${quotedName(foreign.member)})`;
    case 'wrapper':
      return `one JSON object that is no record (with an array in ${quotedName(foreign.member)})`;
    case 'array':
      return 'one JSON array';
    case 'object':
      return 'one JSON object that is no record';
  }
}

/**
 * Returns the name of a member of an object around records that says that the request failed.
 * @returns Undefined if there is none, or it is empty, as `"errors": []`.
 */
export function errorMember(envelope: JsonObject): string | undefined {
  return Object.entries(envelope).find(([name, value]) => ERROR.has(plain(name)) && isFilled(value))?.[0];
}

function isFilled(value: unknown): boolean {
  return isSet(value) && value !== 0 && !(isJsonObject(value) && Object.keys(value).length === 0);
}

/** Returns the path of a member of an object around records that refers to a next page; undefined if there is none. */
export function nextPageMember(envelope: JsonObject): string | undefined {
  return nextPage(envelope);
}

/** Returns the name of a member in quotes for an error, truncated. */
export function quotedName(name: string): string {
  const short = name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name;
  return safeJson(short.toWellFormed());
}

/** Returns the path of the member that refers to a next page, in the object or its page metadata. */
function nextPage(value: object, depth = 0): string | undefined {
  for (const [name, member] of Object.entries(value) as [string, unknown][]) {
    if (refersToNextPage(name, member)) return name;
    if (depth === MAX_DEPTH || !ABOUT_PAGES.has(plain(name))) continue;
    const inner = nextPageIn(Array.isArray(member) ? member : [member], depth + 1);
    if (inner !== undefined) return `${name}.${inner}`;
  }
  return isBeforeLastPage(value) ? 'page' : undefined;
}

function refersToNextPage(name: string, member: unknown): boolean {
  return (NEXT_PAGE.has(plain(name)) && isSet(member)) || (LAST_PAGE.has(plain(name)) && member === false);
}

/** Returns the path of the member that refers to a next page in the first of several objects that has one. */
function nextPageIn(metadata: readonly unknown[], depth: number): string | undefined {
  for (const part of metadata.filter(isObject)) {
    const found = nextPage(part, depth) ?? (isRelationNext(part) ? 'rel' : undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Matches `{"rel": "next", "href": …}` in a list of links. */
function isRelationNext(value: object): boolean {
  return Object.entries(value).some(
    ([name, member]) => ['rel', 'relation'].includes(plain(name)) && member === 'next',
  );
}

/** Matches `{"page": 1, "total_pages": 3}`. */
function isBeforeLastPage(value: object): boolean {
  const numbers = new Map<string, number>();
  for (const [name, member] of Object.entries(value) as [string, unknown][])
    if (typeof member === 'number') numbers.set(plain(name), member);
  const find = (...names: string[]): number | undefined =>
    names.map((name) => numbers.get(name)).find((number) => number !== undefined);
  const page = find('page', 'currentpage', 'pagenumber');
  const last = find('totalpages', 'pages', 'pagecount', 'lastpage', 'numpages');
  return page !== undefined && last !== undefined && page < last;
}

/** Returns whether a member has a value: a URL, a page number or `true`. */
function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value !== null && value !== undefined && value !== false && value !== '';
}

function isField(name: string): boolean {
  return Object.hasOwn(defaultShape().fields, name);
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
