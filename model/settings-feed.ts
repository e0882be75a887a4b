import { z } from 'zod';
import { VARIABLE, hasNoLogin } from './settings-values.ts';

/** The most pages that a source may be set to have. */
const MAX_PAGES = 100_000;

const MAX_PATH = 200;

/** The schema of the path of a value in a body. */
export const BODY_PATH = z
  .string()
  .max(MAX_PATH, `must have at most ${MAX_PATH} characters`)
  .regex(/^[^.\p{Cc}]+(?:\.[^.\p{Cc}]+)*$/u, 'must be names with dots between them, as data.items');

/** The name of a header or a query parameter. */
const WORD = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;

/** Headers that the client sets itself, or that would hold a secret. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  ...['authorization', 'proxy-authorization', 'cookie', 'host', 'connection', 'content-length'],
  ...['transfer-encoding', 'accept-encoding', 'range', 'if-range', 'te', 'trailer', 'upgrade', 'expect'],
]);

/** Returns the schema of an object of texts. Errors name none of its keys, which may be a secret by mistake. */
function texts(isName: (name: string) => boolean, rule: string) {
  return z.record(z.string(), z.unknown()).transform((entries, context): Readonly<Record<string, string>> => {
    const pairs = Object.entries(entries).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string' && isName(pair[0]),
    );
    if (pairs.length !== Object.keys(entries).length)
      context.issues.push({ code: 'custom', message: rule, input: entries });
    return Object.fromEntries(pairs);
  });
}

/** How a source's pages follow each other. */
export const Paging = z
  .strictObject({
    style: z
      .enum(['link', 'header', 'cursor', 'page', 'offset'])
      .describe(
        'Where the next page is: `link`, a URL in the body, at `next`; `header`, a URL in the header `Link` with `rel="next"`; `cursor`, a value in the body, at `cursor`, that the next request sends back; `page`, the next page number; `offset`, the number of records read.',
      ),
    next: BODY_PATH.optional().describe(
      'The path of the next page’s URL in the body, as `links.next`, for the style `link`. Without a value there, the page is the last.',
    ),
    cursor: BODY_PATH.optional().describe(
      'The path of the next page’s cursor in the body, as `meta.next_cursor`, for the style `cursor`. Without a value there, the page is the last.',
    ),
    parameter: z
      .string()
      .regex(WORD, 'must be the name of a query parameter')
      .optional()
      .describe(
        'The query parameter with the cursor, page number or offset. Without it, `request` has `{cursor}` where it belongs.',
      ),
    first: z
      .int()
      .min(0)
      .optional()
      .describe('The first page number or offset. By default, pages count from 1, and offsets from 0.'),
    hasMore: BODY_PATH.optional().describe(
      'The path of a boolean in the body that is false on the last page, as `has_more`.',
    ),
    total: BODY_PATH.optional().describe(
      'The path of the number of records on all pages in the body, as `meta.total`. It must be the number of records read at the end. Page numbers and offsets end with the page that completes it; if it changes between two of their pages, the fetch begins again.',
    ),
    maxPages: z
      .int()
      .min(1)
      .max(MAX_PAGES)
      .default(10_000)
      .describe('The largest number of pages of one fetch; more are an error.'),
  })
  .describe(
    'How the pages of the content follow each other. Without it, the content must be complete in one answer.',
  );

/** The parts of a source's requests besides its url. */
export const RequestParts = z
  .strictObject({
    method: z.enum(['GET', 'POST']).default('GET').describe('The method of the requests.'),
    query: texts((name) => WORD.test(name), 'must be names of query parameters, each with a text in quotes')
      .optional()
      .describe('Parameters that are added to the query of the url.'),
    headers: texts(
      (name) => WORD.test(name) && !RESERVED_HEADERS.has(name.toLowerCase()),
      'must be names of headers, each with a text in quotes; a login belongs in auth, and some headers are set by the client',
    )
      .optional()
      .describe('Headers that are added. They are sent to the url’s own server only. Never a secret.'),
    body: z
      .record(z.string(), z.unknown())
      .refine(isJson, 'must be an object that JSON can represent')
      .optional()
      .describe('The body of POST requests, sent as JSON.'),
  })
  .describe(
    'What is sent besides the url. In texts, `{from}` and `{to}` are replaced by the interval of a run, and `{cursor}` by the cursor, page number or offset of the page; a parameter, header or member that is `{cursor}` alone is left out while there is none.',
  );

const SECRET_FILE = z.string().min(1).max(4096);

/** Returns the description of a setting with the name of a file that holds a secret. */
function fileOf(variable: string): string {
  return `The file that holds it, instead of \`${variable}\`, as Kubernetes mounts secrets; read again at each use, without the line break at its end. Relative to the settings file.`;
}

/** How a source's requests log in, besides a bearer token. */
export const Auth = z
  .strictObject({
    type: z
      .enum(['basic', 'api-key', 'oauth2'])
      .describe(
        'The kind of the login: a user and a password; a key in a header or in the query; or OAuth 2.0 client credentials.',
      ),
    user: z.string().min(1).optional().describe('The user name, for `basic`.'),
    passwordVariable: VARIABLE.optional().describe(
      'The name of the environment variable that holds the password, for `basic`.',
    ),
    passwordFile: SECRET_FILE.optional().describe(fileOf('passwordVariable')),
    header: z
      .string()
      .regex(WORD, 'must be the name of a header')
      .optional()
      .describe('The header of the key, as `X-Api-Key`, for `api-key`.'),
    query: z
      .string()
      .regex(WORD, 'must be the name of a query parameter')
      .optional()
      .describe('The query parameter of the key, instead of a header; servers often log it.'),
    keyVariable: VARIABLE.optional().describe(
      'The name of the environment variable that holds the key, for `api-key`.',
    ),
    keyFile: SECRET_FILE.optional().describe(fileOf('keyVariable')),
    tokenUrl: z
      .url({ protocol: /^https?$/, error: 'must be a URL of http or https' })
      .refine(hasNoLogin, 'must hold no user or password')
      .optional()
      .describe('The URL of the token endpoint, for `oauth2`.'),
    clientId: z.string().min(1).optional().describe('The client’s id, for `oauth2`.'),
    clientSecretVariable: VARIABLE.optional().describe(
      'The name of the environment variable that holds the client’s secret, for `oauth2`.',
    ),
    clientSecretFile: SECRET_FILE.optional().describe(fileOf('clientSecretVariable')),
    scope: z.string().min(1).optional().describe('The scope to request, for `oauth2`.'),
    clientAuth: z
      .enum(['basic', 'body'])
      .optional()
      .describe(
        'Whether the id and the secret are sent as HTTP basic authentication, the default, or in the body, for `oauth2`.',
      ),
  })
  .describe(
    'The login of the requests, instead of a bearer token. Secrets are sent over https, or to this host, and to the url’s own server alone.',
  );

function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isJson);
  return value === null || ['string', 'boolean'].includes(typeof value);
}

/** The settings of a source's pages. */
export type PagingSettings = z.infer<typeof Paging>;

/** The settings of a source's requests. */
export type RequestSettings = z.infer<typeof RequestParts>;

/** The settings of a source's login. */
export type AuthSettings = z.infer<typeof Auth>;

/** The schemas of secrets in files, and of a bearer token. */
export const TOKEN_KEYS = {
  tokenVariable: VARIABLE.optional().describe(
    'The name of the worker’s environment variable that holds the bearer token; never the token itself.',
  ),
  tokenFile: SECRET_FILE.optional().describe(fileOf('tokenVariable')),
};
