import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** A client that may request tokens by OAuth 2.0 client credentials, at `POST /token`. */
export interface TokenClient {
  readonly id: string;
  readonly secret: string;
  /** The number of requests for which a token is valid: tokens expire by requests, so that no test waits. */
  readonly uses: number;
}

/** The tokens that were issued. */
export class IssuedTokens {
  /** The number of tokens issued. */
  issued = 0;
  readonly #client: TokenClient;
  #token = '';
  #uses = 0;

  constructor(client: TokenClient) {
    this.#client = client;
  }

  /** Issues a token, which replaces the previous one; returns undefined for another client or another secret. */
  issue({ headers }: IncomingMessage, form: URLSearchParams): string | undefined {
    const { id, secret, uses } = this.#client;
    const basic = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
    const inForm = form.get('client_id') === id && form.get('client_secret') === secret;
    if (form.get('grant_type') !== 'client_credentials') return undefined;
    if (headers.authorization !== basic && !inForm) return undefined;
    this.issued += 1;
    this.#token = randomUUID();
    this.#uses = uses;
    return this.#token;
  }

  /** Returns whether a request has the current token, and counts its use. */
  accepts({ headers }: IncomingMessage): boolean {
    if (this.#token === '' || headers.authorization !== `Bearer ${this.#token}` || this.#uses === 0)
      return false;
    this.#uses -= 1;
    return true;
  }
}
