import type { FeedFormat } from './feed.ts';

/** An invalid parameter of a request; answered with 400. */
export interface Problem {
  readonly parameter: string;
  readonly value: string;
  /** The values that are allowed, in words. */
  readonly allowed: string;
}

/** A parsed value, or the problem with its text. */
export type Parsed<Value> = { readonly value: Value } | { readonly problem: Problem };

/**
 * Validators of responses: a strong ETag; a weak one with a Last-Modified that never changes; a Last-Modified of the
 * current second; or none.
 */
export type Validator = 'strong' | 'weak' | 'recent' | 'none';

/** Parameters of `GET /attempts`. */
export interface AttemptsQuery {
  readonly format: FeedFormat;
  readonly compact: boolean;
  /** Whether the content is a .gz file, without Content-Encoding. */
  readonly gzip: boolean;
  /** Whether the content has Content-Encoding gzip, if the client accepts it. */
  readonly encoded: boolean;
  /** The validators of the response. */
  readonly validator: Validator;
  readonly seed: number;
  readonly count: number;
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly sinceMs: number | undefined;
}

/** Maximum `count` of one request: about 28 GB, which is spooled to a file. */
const MAX_COUNT = 10_000_000;

/** A kind of parameter; `read` returns undefined for invalid text. */
interface Kind<Value> {
  readonly allowed: string;
  readonly read: (text: string) => Value | undefined;
}

function oneOf<const Value extends string>(...values: readonly Value[]): Kind<Value> {
  return { allowed: values.join(' or '), read: (text) => values.find((value) => value === text) };
}

function upTo(max: number): Kind<number> {
  return {
    allowed: `an integer from 0 to ${max}`,
    read: (text) => (/^\d{1,16}$/.test(text) && Number(text) <= max ? Number(text) : undefined),
  };
}

const TIME: Kind<number> = {
  allowed: 'a date as 2018-01-31 or a UTC time as 2018-01-31T12:00:00Z',
  read: (text) => {
    if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,3})?Z)?$/.test(text)) return undefined;
    const ms = Date.parse(text);
    // Some engines parse 2018-02-31 as the 3rd of March.
    if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(text.slice(0, 10))) return undefined;
    return ms;
  },
};

const KINDS = {
  format: oneOf('json-array', 'ndjson'),
  spacing: oneOf('spaced', 'compact'),
  gzip: oneOf('true', 'false'),
  encoding: oneOf('identity', 'gzip'),
  validator: oneOf('strong', 'weak', 'recent', 'none'),
  seed: upTo(Number.MAX_SAFE_INTEGER),
  count: upTo(MAX_COUNT),
  from: TIME,
  to: TIME,
  since: TIME,
} as const satisfies Record<string, Kind<unknown>>;

type Name = keyof typeof KINDS;

/** Parameters that apply when the platform serves a given file; the others configure the generator. */
const OF_A_FILE: readonly Name[] = ['gzip', 'encoding', 'validator'];

const NAMES = Object.keys(KINDS);

function isName(text: string): text is Name {
  return Object.hasOwn(KINDS, text);
}

/** Defaults of the parameters. */
export interface QueryDefaults {
  readonly seed: number;
  readonly count: number;
  /** Whether the platform serves a file. */
  readonly servesFile: boolean;
}

/**
 * Parses the parameters of `GET /attempts`.
 *
 * @param others Names of parameters that are parsed elsewhere.
 */
export function readQuery(
  search: URLSearchParams,
  defaults: QueryDefaults,
  others: readonly string[],
): Parsed<AttemptsQuery> {
  const known: readonly string[] = defaults.servesFile ? OF_A_FILE : NAMES;
  const problem = firstProblem(search, [...known, ...others]);
  if (problem !== undefined) return { problem };
  const { format, spacing, gzip, encoding, validator, seed, count, from, to, since } = KINDS;
  const get = <Value>(name: Name, kind: Kind<Value>): Value | undefined => kind.read(search.get(name) ?? '');
  const [fromMs, toMs] = [get('from', from), get('to', to)];
  if (fromMs !== undefined && toMs !== undefined && toMs <= fromMs) {
    return { problem: { parameter: 'to', value: search.get('to') ?? '', allowed: 'a time after `from`' } };
  }
  return {
    value: {
      format: get('format', format) ?? 'json-array',
      compact: get('spacing', spacing) === 'compact',
      gzip: get('gzip', gzip) === 'true',
      encoded: get('encoding', encoding) === 'gzip',
      validator: get('validator', validator) ?? 'strong',
      seed: get('seed', seed) ?? defaults.seed,
      count: get('count', count) ?? defaults.count,
      fromMs,
      toMs,
      sinceMs: get('since', since),
    },
  };
}

function firstProblem(search: URLSearchParams, known: readonly string[]): Problem | undefined {
  for (const [parameter, value] of search) {
    if (!known.includes(parameter))
      return { parameter, value, allowed: `no parameter but ${known.join(', ')}` };
    if (search.getAll(parameter).length > 1) return { parameter, value, allowed: 'one value' };
    const kind: Kind<unknown> | undefined = isName(parameter) ? KINDS[parameter] : undefined;
    if (kind !== undefined && kind.read(value) === undefined)
      return { parameter, value, allowed: kind.allowed };
  }
  return undefined;
}
