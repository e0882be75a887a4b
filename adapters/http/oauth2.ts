import { createHash } from 'node:crypto';
import { z } from 'zod';
import { jsonText } from '../../lib/json-schema.ts';
import { requireConfidential } from '../../model/confidential.ts';
import { PipelineError } from '../../model/errors.ts';
import { readBody } from './body.ts';
import { basicOf, bearerOf, type Login } from './login.ts';
import { statusError } from './statuses.ts';
import { transmit } from './transmit.ts';

/** A client of OAuth 2.0 with the grant of client credentials (RFC 6749, 4.4). */
export interface OAuth2Client {
  /** The source, for errors, as `source pearson`. */
  readonly subject: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  /** Reads the client's secret, at each request of a token. */
  readonly secret: () => string;
  readonly scope: string | undefined;
  /** Whether the id and the secret are in the header Authorization or in the body. */
  readonly clientAuth: 'basic' | 'body';
  readonly allowCleartext: boolean | undefined;
  readonly allowAddresses: readonly string[];
}

/** A token, and the time from which another is requested, in milliseconds since 1970. */
interface CachedToken {
  readonly token: string;
  readonly renewAtMs: number;
}

/** A longer answer is no token. */
const MAX_ANSWER_BYTES = 1 << 16;
const TIMEOUTS = { idleMs: 30_000, windowMs: 30_000, minBytesPerSecond: 1 };

/** A token is renewed this much before it expires, or after nine tenths of its life if that is later. */
const RENEW_BEFORE_MS = 60_000;

const MAX_TOKENS = 1_000;

const TokenAnswer = jsonText.pipe(
  z.object({
    access_token: z.string().regex(/^[\x21-\x7e]+$/),
    token_type: z.string().regex(/^bearer$/i),
    expires_in: z.coerce.number().min(0).optional(),
  }),
);
const TokenError = jsonText.pipe(z.object({ error: z.string().regex(/^[a-z_]{1,40}$/) }));

/** The tokens of this process by client, in memory only. */
const tokens = new Map<string, CachedToken>();

/** Returns the login of a client, whose tokens are kept until shortly before they expire, or until one is refused. */
export function oauth2Login(client: OAuth2Client): Login {
  const { subject, tokenUrl, clientId, scope } = client;
  const key = createHash('sha256')
    .update(JSON.stringify([subject, tokenUrl, clientId, scope]))
    .digest('hex');
  return {
    secret: `the token of ${subject}`,
    async credentials(signal) {
      const known = tokens.get(key);
      if (known !== undefined && Date.now() < known.renewAtMs) return bearerOf(known.token);
      const requested = await requestToken(client, signal);
      if (tokens.size >= MAX_TOKENS) tokens.clear();
      tokens.set(key, requested);
      return bearerOf(requested.token);
    },
    forget: () => {
      tokens.delete(key);
    },
  };
}

async function requestToken(client: OAuth2Client, signal: AbortSignal): Promise<CachedToken> {
  const { subject, scope, clientAuth, clientId, allowCleartext } = client;
  const url = new URL(client.tokenUrl);
  const step = `${subject}: the login failed at its first step, the token of ${url.host}`;
  requireConfidential({
    secret: `the client’s secret of ${subject}`,
    host: url.hostname,
    tls: url.protocol === 'https:',
    allowCleartext,
    setting: 'sources.NAME.allowCleartext',
  });
  const secret = client.secret();
  const inBody = clientAuth === 'body' ? { client_id: clientId, client_secret: secret } : {};
  const scoped = scope === undefined ? {} : { scope };
  const { message } = await transmit({
    url,
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      // The id and the secret are encoded as forms are, first (RFC 6749, 2.3.1).
      ...(clientAuth === 'basic' ? basicOf(formOf(clientId), formOf(secret)).headers : {}),
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...scoped, ...inBody }).toString(),
    rules: {
      subject: step,
      allowed: client.allowAddresses,
      redirectedFrom: undefined,
      redirectHosts: [],
      loopbackOnly: url.protocol === 'http:' && allowCleartext !== true,
    },
    signal,
    idleMs: TIMEOUTS.idleMs,
  });
  const text = await readText(
    readBody(message, { subject: step, timeouts: TIMEOUTS, promisedBytes: undefined }),
  );
  if (message.statusCode !== 200) {
    const named = TokenError.safeParse(text);
    throw statusError(named.success ? `${step} (${named.data.error})` : step, message);
  }
  const answer = TokenAnswer.safeParse(text);
  if (!answer.success)
    throw new PipelineError('SOURCE_REFUSED', `${step}: its answer has no access_token of the type Bearer`);
  const { access_token: token, expires_in: seconds = Infinity } = answer.data;
  const lifeMs = seconds * 1000;
  return { token, renewAtMs: Date.now() + Math.max(lifeMs - RENEW_BEFORE_MS, lifeMs * 0.9) };
}

function formOf(text: string): string {
  return new URLSearchParams({ a: text }).toString().slice('a='.length);
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES) return '';
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
