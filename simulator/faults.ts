import { z } from 'zod';
import type { Parsed } from './query.ts';

function integer(min: number, max = Number.MAX_SAFE_INTEGER): z.ZodNumber {
  const allowed = `an integer from ${min} to ${max}`;
  return z.int(allowed).min(min, allowed).max(max, allowed);
}

/** For how many requests, and of which path alone. */
const COMMON = {
  times: integer(1).default(1),
  path: z.string('a path as /attempts').startsWith('/', 'a path as /attempts').optional(),
};

const KINDS = [
  /** Destroys the connection after this number of bytes of the response body, whole or a range. */
  z.strictObject({ kind: z.literal('cut'), bytes: integer(0), ...COMMON }),
  /** With Retry-After, where it is said. */
  z.strictObject({
    kind: z.literal('status'),
    status: integer(200, 599).default(500),
    retryAfterSeconds: integer(0).optional(),
    ...COMMON,
  }),
  /** 429 with Retry-After. */
  z.strictObject({ kind: z.literal('busy'), retryAfterSeconds: integer(0).default(1), ...COMMON }),
  z.strictObject({ kind: z.literal('slow'), bytesPerSecond: integer(1), ...COMMON }),
  /** Accepted and never answered. */
  z.strictObject({ kind: z.literal('stall'), ...COMMON }),
  /** From this request on the content and its tag are others. */
  z.strictObject({ kind: z.literal('changed'), ...COMMON }),
  /** As changed, but a range is one of the new content, whatever the request's If-Range says. */
  z.strictObject({ kind: z.literal('swapped'), ...COMMON }),
  /** The content with one header more. */
  z.strictObject({
    kind: z.literal('header'),
    name: z.string('a name'),
    value: z.string('a text'),
    ...COMMON,
  }),
  /** 200 with a web page, as from a login or an outage notice. */
  z.strictObject({ kind: z.literal('html'), ...COMMON }),
  z.strictObject({ kind: z.literal('redirect'), location: z.string('a URL').min(1, 'a URL'), ...COMMON }),
  /** A well-formed answer whose gzip ends half-way. */
  z.strictObject({ kind: z.literal('truncated-gzip'), ...COMMON }),
  /** A body that goes on until the client leaves. */
  z.strictObject({ kind: z.literal('endless'), ...COMMON }),
] as const;

const NAMES = KINDS.map(({ shape }) => shape.kind.value);

const Schema = z.discriminatedUnion('kind', KINDS, `one of ${NAMES.join(', ')}`);

/** A fault that a request meets. */
export type Fault = z.output<typeof Schema>;

/** A fault as it is armed: `times` is 1 and `path` any, unless given. */
export type FaultInput = z.input<typeof Schema>;

/** The parameters by which a request brings a fault of its own: `fault` is its kind. */
export const FAULT_PARAMETERS = [
  'fault',
  ...new Set(
    KINDS.flatMap(({ shape }) => Object.keys(shape)).filter((name) => name !== 'kind' && name !== 'path'),
  ),
];

/** Reads one fault or a list of them, as JSON.parse gives it. */
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

/** The fault that a request's own parameters ask for, on each request unless `times` is given. */
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

/** The fault, or which of its fields is wrong (undefined: the whole) and what it may be. */
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

/** The faults that wait for requests. */
export class Faults {
  #armed: { readonly fault: Fault; left: number }[] = [];
  /** How often a request's own fault has been met, by the request's URL. */
  readonly #met = new Map<string, number>();

  /** Adds faults, after those that wait already. */
  arm(faults: readonly Fault[]): void {
    this.#armed.push(...faults.map((fault) => ({ fault, left: fault.times })));
  }

  /** Takes all away. */
  disarm(): void {
    this.#armed = [];
    this.#met.clear();
  }

  /** Those that wait, in order, `times` being how many are left. */
  list(): readonly Fault[] {
    return this.#armed.map(({ fault, left }) => ({ ...fault, times: left }));
  }

  /** The fault of this request: its own if it brings one, else the first armed of its path. */
  take(path: string, url: string, own: Fault | undefined): Fault | undefined {
    if (own !== undefined) {
      const met = this.#met.get(url) ?? 0;
      this.#met.set(url, met + 1);
      return met < own.times ? own : undefined;
    }
    const armed = this.#armed.find(({ fault }) => fault.path === undefined || fault.path === path);
    if (armed === undefined) return undefined;
    armed.left -= 1;
    this.#armed = this.#armed.filter(({ left }) => left > 0);
    return armed.fault;
  }
}
