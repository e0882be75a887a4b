/** Headers and query parameter by which a request logs in; only the source's own server receives it. */
export interface Credentials {
  readonly headers?: Readonly<Record<string, string>>;
  /** A query parameter's name and value. */
  readonly query?: readonly [name: string, value: string];
}

/** The login of a source's requests. */
export interface Login {
  /** A description for messages, as `the token of source pearson`; never the secret itself. */
  readonly secret: string;
  /** Returns what the next request carries; reads secrets again. */
  credentials(signal: AbortSignal): Promise<Credentials>;
  /** Forgets credentials that the server refused with 401. Absent if there are no others. */
  readonly forget?: () => void;
}

/** Returns a login whose credentials need no request. */
export function fixedLogin(secret: string, read: () => Credentials): Login {
  return { secret, credentials: () => Promise.resolve().then(read) };
}

/** Returns the credentials of a bearer token. */
export function bearerOf(token: string): Credentials {
  return { headers: { authorization: `Bearer ${token}` } };
}

/** Returns the credentials of HTTP basic authentication (RFC 7617), in UTF-8. */
export function basicOf(user: string, password: string): Credentials {
  return { headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` } };
}
