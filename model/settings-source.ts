import { resolve } from 'node:path';
import { z } from 'zod';
import { cleartextFault, isConfidential } from './confidential.ts';
import type { AuthSettings, PagingSettings, RequestSettings } from './settings-feed.ts';
import { hasNoLogin } from './settings-values.ts';

/** The settings of a source that decide what is requested, and which secrets are sent where. */
interface FeedSettings {
  readonly url?: string | undefined;
  readonly format?: string | undefined;
  readonly records?: string | undefined;
  readonly paging?: PagingSettings | undefined;
  readonly request?: RequestSettings | undefined;
  readonly auth?: AuthSettings | undefined;
  readonly tokenVariable?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly allowCleartext?: boolean | undefined;
}

type Path = readonly string[];

/** Adds an issue at a path of the source. */
type AddFault = (path: Path, message: string) => void;

/** The schema of a source's URL. */
export const SOURCE_URL = z
  .url({ protocol: /^(https?|file)$/, error: 'must be a URL of http, https or file' })
  .refine(hasNoLogin, 'must hold no user or password: a token is named by tokenVariable');

/** Adds an issue for each inconsistency of a source's settings. */
export function requireFeed(source: FeedSettings, context: z.RefinementCtx): void {
  const add: AddFault = (path, message) => {
    context.addIssue({ code: 'custom', path: [...path], message });
  };
  requireHttp(source, add);
  requirePaging(source, add);
  requireAuth(source, add);
  requireConfidentialSecrets(source, add);
  if (source.records !== undefined && source.format === 'ndjson')
    add(['records'], 'belongs to the format json-array: lines have no object around them');
  if (source.request?.body !== undefined && source.request.method !== 'POST')
    add(['request', 'body'], 'belongs to the method POST');
}

function requireHttp({ url, paging, request, auth }: FeedSettings, add: AddFault): void {
  if (url !== undefined && !url.startsWith('file:')) return;
  for (const [key, value] of Object.entries({ paging, request, auth }))
    if (value !== undefined) add([key], 'belongs to a url of http or https');
}

/** The keys that a style of paging requires, and those that it may have. */
const STYLES: Readonly<Record<PagingSettings['style'], { required: Path; optional: Path }>> = {
  link: { required: ['next'], optional: [] },
  header: { required: [], optional: [] },
  cursor: { required: ['cursor'], optional: ['parameter'] },
  page: { required: [], optional: ['parameter', 'first'] },
  offset: { required: [], optional: ['parameter', 'first'] },
};

const CURSOR = '{cursor}';

function requirePaging({ paging, request, records }: FeedSettings, add: AddFault): void {
  const hasPlace = JSON.stringify(request ?? {}).includes(CURSOR);
  const needsPlace = paging !== undefined && STYLES[paging.style].optional.includes('parameter');
  if (hasPlace && !needsPlace)
    add(['request'], `has ${CURSOR}, which belongs to paging of the style cursor, page or offset`);
  if (paging === undefined) return;
  const { required, optional } = STYLES[paging.style];
  const { style, next, cursor, parameter, first } = paging;
  requireKeys(
    { next, cursor, parameter, first },
    `style ${style}`,
    [...required],
    [...optional],
    (path, message) => {
      add(['paging', ...path], message);
    },
  );
  if (needsPlace && hasPlace === (parameter !== undefined))
    add(['paging'], `needs either parameter, or ${CURSOR} in the source’s request`);
  const paths = { next, cursor, hasMore: paging.hasMore, total: paging.total };
  for (const [key, path] of Object.entries(paths))
    if (path !== undefined && records === undefined)
      add(['paging', key], 'is a path beside the records, which need the source’s setting records');
}

/** The keys that a kind of login requires, and those that it may have; of alternatives, exactly one. */
const LOGINS: Readonly<Record<AuthSettings['type'], { required: (string | Path)[]; optional: Path }>> = {
  basic: { required: ['user', ['passwordVariable', 'passwordFile']], optional: [] },
  'api-key': {
    required: [
      ['header', 'query'],
      ['keyVariable', 'keyFile'],
    ],
    optional: [],
  },
  oauth2: {
    required: ['tokenUrl', 'clientId', ['clientSecretVariable', 'clientSecretFile']],
    optional: ['scope', 'clientAuth'],
  },
};

function requireAuth({ auth, tokenVariable, tokenFile }: FeedSettings, add: AddFault): void {
  const isBearer = tokenVariable !== undefined || tokenFile !== undefined;
  if (tokenVariable !== undefined && tokenFile !== undefined)
    add(['tokenFile'], 'holds the token, and so does tokenVariable: keep one of them');
  if (auth === undefined) return;
  if (isBearer) add(['auth'], 'is a login, and so is the bearer token: keep one of them');
  const { required, optional } = LOGINS[auth.type];
  const { type, ...keys } = auth;
  requireKeys(keys, `type ${type}`, required, optional, (path, message) => {
    add(['auth', ...path], message);
  });
}

function requireKeys(
  keys: Readonly<Record<string, unknown>>,
  owner: string,
  required: readonly (string | Path)[],
  optional: Path,
  add: AddFault,
): void {
  const known = new Set([...required.flat(), ...optional]);
  for (const [key, value] of Object.entries(keys))
    if (value !== undefined && !known.has(key)) add([key], `does not belong to the ${owner}`);
  for (const choice of required) {
    const choices = [choice].flat();
    if (choices.filter((key) => keys[key] !== undefined).length !== 1)
      add([], `needs ${choices.join(' or ')} for the ${owner}${choices.length > 1 ? ', not both' : ''}`);
  }
}

/** A secret, the path of its setting, and the URL that it is sent to; undefined if it is not sent. */
interface SecretUse {
  readonly path: Path;
  readonly secret: string;
  readonly to: string | undefined;
}

/** Adds an issue for a secret that would be sent without TLS to another host. */
function requireConfidentialSecrets(source: FeedSettings, add: AddFault): void {
  const { url, auth, tokenVariable, tokenFile, allowCleartext } = source;
  const tokenKey = tokenVariable === undefined ? 'tokenFile' : 'tokenVariable';
  const hasToken = tokenVariable !== undefined || tokenFile !== undefined;
  const routes: readonly SecretUse[] = [
    { path: [tokenKey], secret: 'the token', to: hasToken ? url : undefined },
    { path: ['auth'], secret: 'the login', to: auth === undefined ? undefined : url },
    { path: ['auth', 'tokenUrl'], secret: 'the client’s secret', to: auth?.tokenUrl },
  ];
  for (const { path, secret, to } of routes) {
    if (to === undefined || !URL.canParse(to)) continue;
    const { protocol, hostname: host } = new URL(to);
    if (isConfidential({ host, tls: protocol !== 'http:', allowCleartext })) continue;
    add(path, cleartextFault({ secret, host, setting: 'sources.NAME.allowCleartext' }));
  }
}

/** Returns the texts of a source that may have `{from}` and `{to}`; undefined for a source without a url. */
export function templatesOf({ url, request }: FeedSettings): string | undefined {
  return url === undefined ? undefined : `${url} ${JSON.stringify(request ?? {})}`;
}

/** Returns a source with absolute paths of the files that hold secrets. */
export function withAbsoluteSecretFiles<Source extends FeedSettings>(source: Source, folder: string): Source {
  const absolute = (file: string): string => resolve(folder, file);
  const { tokenFile, auth } = source;
  const { passwordFile, keyFile, clientSecretFile } = auth ?? {};
  return {
    ...source,
    ...(tokenFile === undefined ? {} : { tokenFile: absolute(tokenFile) }),
    ...(auth === undefined
      ? {}
      : {
          auth: {
            ...auth,
            ...(passwordFile === undefined ? {} : { passwordFile: absolute(passwordFile) }),
            ...(keyFile === undefined ? {} : { keyFile: absolute(keyFile) }),
            ...(clientSecretFile === undefined ? {} : { clientSecretFile: absolute(clientSecretFile) }),
          },
        }),
  };
}

/** Makes sure that no source has the topic of markers: its producers could forge them. */
export function requireOwnMarkerTopic(
  { kafka, sources }: { kafka: { markerTopic: string }; sources: Record<string, { topic: string }> },
  context: z.RefinementCtx,
): void {
  // Kafka treats both in the names of topics as the same.
  const plain = (topic: string): string => topic.replaceAll('.', '_');
  for (const [name, { topic }] of Object.entries(sources)) {
    if (plain(topic) !== plain(kafka.markerTopic)) continue;
    const message = `must not be kafka.markerTopic (${kafka.markerTopic}), which is for the markers alone`;
    context.addIssue({ code: 'custom', path: ['sources', name, 'topic'], message });
  }
}
