import { z } from 'zod';
import type { Parsed } from './query.ts';

function integer(min: number, max = Number.MAX_SAFE_INTEGER): z.ZodNumber {
  const allowed = `an integer from ${min} to ${max}`;
  return z.int(allowed).min(min, allowed).max(max, allowed);
}

/** The number of requests, and their path. */
const COMMON = {
  times: integer(1).default(1),
  /** The number of requests to the path that come first, without the fault. */
  after: integer(0).optional(),
  path: z.string('a path as /attempts').startsWith('/', 'a path as /attempts').optional(),
};

const KINDS = [
  /** Destroys the connection after this number of bytes of the response body, whole or a range. */
  z.strictObject({ kind: z.literal('cut'), bytes: integer(0), ...COMMON }),
  /** A status, with Retry-After if given. */
  z.strictObject({
    kind: z.literal('status'),
    status: integer(200, 599).default(500),
    retryAfterSeconds: integer(0).optional(),
    ...COMMON,
  }),
  /** 429 with Retry-After. */
  z.strictObject({ kind: z.literal('busy'), retryAfterSeconds: integer(0).default(1), ...COMMON }),
  z.strictObject({ kind: z.literal('slow'), bytesPerSecond: integer(1), ...COMMON }),
  /** A request that is accepted and never answered. */
  z.strictObject({ kind: z.literal('stall'), ...COMMON }),
  /** The content and its tag change with this request. */
  z.strictObject({ kind: z.literal('changed'), ...COMMON }),
  /** As `changed`, but a range is of the new content, whatever If-Range says. */
  z.strictObject({ kind: z.literal('swapped'), ...COMMON }),
  /** The content with an extra header. */
  z.strictObject({
    kind: z.literal('header'),
    name: z.string('a name'),
    value: z.string('a text'),
    ...COMMON,
  }),
  /** 200 with a web page, such as a login or an outage notice. */
  z.strictObject({ kind: z.literal('html'), ...COMMON }),
  z.strictObject({ kind: z.literal('redirect'), location: z.string('a URL').min(1, 'a URL'), ...COMMON }),
  /** A complete response whose gzip is truncated. */
  z.strictObject({ kind: z.literal('truncated-gzip'), ...COMMON }),
  /** Of attempts in pages: the page names the first one as the next. */
  z.strictObject({ kind: z.literal('cycle'), ...COMMON }),
  /** A body that continues until the client leaves. */
  z.strictObject({ kind: z.literal('endless'), ...COMMON }),
] as const;

const NAMES = KINDS.map(({ shape }) => shape.kind.value);

const Schema = z.discriminatedUnion('kind', KINDS, `one of ${NAMES.join(', ')}`);

/** A fault of one request. */
export type Fault = z.output<typeof Schema>;

/** A planned fault: `times` is 1 and `path` any by default. */
export type FaultInput = z.input<typeof Schema>;

/** Query parameters by which a request sets its own fault; `fault` is its kind. */
export const FAULT_PARAMETERS = [
  'fault',
  ...new Set(
    KINDS.flatMap(({ shape }) => Object.keys(shape)).filter((name) => name !== 'kind' && name !== 'path'),
  ),
];

/** Validates one fault or a list of them, parsed from JSON. */
export function readFaults(given: unknown): Parsed<Fault[]> {
  const faults: Fault[] = [];
  for (const item of Array.isArray(given) ? (given as unknown[]) : [given]) {
    const checked = check(item);
    if ('fault' in checked) faults.push(checked.fault);
    else {
      const { field, allowed } = checked;
      const fields = typeof item === 'object' && item !== null ? Object.entries(item) : [];
      const value: unknown = field === undefined ? item : new Map<string, unknown>(fields).get(field);
      const shown = (JSON.stringify(value) as string | undefined) ?? 'nothing';
      return { problem: { parameter: field ?? 'body', value: shown, allowed } };
    }
  }
  return { value: faults };
}

/** Parses the fault of a request's own parameters; it applies to each request unless `times` is given. */
export function readQueryFault(search: URLSearchParams): Parsed<Fault | undefined> {
  const given = [...search].filter(([name]) => FAULT_PARAMETERS.includes(name));
  const [first] = given;
  if (first === undefined) return { value: undefined };
  const [stray, text] = first;
  if (!search.has('fault'))
    return { problem: { parameter: stray, value: text, allowed: 'only beside fault' } };
  const fields = given.map(([name, value]) => [
    name === 'fault' ? 'kind' : name,
    /^\d+$/.test(value) ? Number(value) : value,
  ]);
  const checked = check({ times: Number.MAX_SAFE_INTEGER, ...Object.fromEntries(fields) });
  if ('fault' in checked) return { value: checked.fault };
  const parameter = checked.field === undefined || checked.field === 'kind' ? 'fault' : checked.field;
  return { problem: { parameter, value: search.get(parameter) ?? 'nothing', allowed: checked.allowed } };
}

/** Returns the fault, or its invalid field (undefined: the whole) and the allowed values. */
function check(
  given: unknown,
): { readonly fault: Fault } | { readonly field: string | undefined; readonly allowed: string } {
  const parsed = Schema.safeParse(given);
  if (parsed.success) return { fault: parsed.data };
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys') return { field: issue.keys[0], allowed: 'left out for this kind' };
  const field = issue?.path[0];
  if (field === undefined) return { field, allowed: 'a fault as {"kind":"status","status":503,"times":2}' };
  return { field: String(field), allowed: issue?.message ?? 'another value' };
}

/** The planned faults. */
export class FaultQueue {
  #armed: { readonly fault: Fault; left: number; after: number }[] = [];
  /** Number of times that a request's own fault was applied, by the request's URL. */
  readonly #met = new Map<string, number>();

  /** Adds faults after those already planned. */
  arm(faults: readonly Fault[]): void {
    this.#armed.push(...faults.map((fault) => ({ fault, left: fault.times, after: fault.after ?? 0 })));
  }

  /** Removes all faults. */
  disarm(): void {
    this.#armed = [];
    this.#met.clear();
  }

  /** The planned faults in order; `times` is the number of requests left. */
  list(): readonly Fault[] {
    return this.#armed.map(({ fault, left, after }) => ({
      ...fault,
      times: left,
      ...(fault.after === undefined ? {} : { after }),
    }));
  }

  /** Takes the fault of this request: its own if it sets one, else the first planned for its path. */
  take(path: string, url: string, own: Fault | undefined): Fault | undefined {
    if (own !== undefined) {
      const met = this.#met.get(url) ?? 0;
      this.#met.set(url, met + 1);
      return met < own.times ? own : undefined;
    }
    const ofPath = this.#armed.filter(({ fault }) => fault.path === undefined || fault.path === path);
    const armed = ofPath.find(({ after }) => after === 0);
    for (const waiting of ofPath) if (waiting.after > 0) waiting.after -= 1;
    if (armed === undefined) return undefined;
    armed.left -= 1;
    this.#armed = this.#armed.filter(({ left }) => left > 0);
    return armed.fault;
  }
}
