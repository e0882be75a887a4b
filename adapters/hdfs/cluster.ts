import { setTimeout as pause } from 'node:timers/promises';
import { probe } from '../net/connection-faults.ts';
import { requireConfidentialRedirect, type HdfsOptions, type Identity } from './access.ts';
import type { Logger } from '../log.ts';
import type { TlsMaterial } from '../net/tls.ts';
import { createAgents, type Agents } from './connections.ts';
import { HdfsError, unexpectedAnswer, type Step } from './errors.ts';
import { encodePath } from './paths.ts';
import { exchange, type Answer, type Body, type Timeouts } from './request.ts';

/** How often what may be tried again is tried. */
export interface Retry {
  /** Rounds over all NameNodes, the first one included. */
  readonly attempts: number;
  /** The pause after the first round, in milliseconds; it doubles from round to round. */
  readonly backoffMs: number;
}

/** What is kept to unless a client is told otherwise. */
export const DEFAULT_RETRY: Retry = { attempts: 4, backoffMs: 250 };

/**
 * The operations of WebHDFS that are used here.
 * - `effect`: `none` reads; `idempotent` has the same outcome when carried out twice; `once` does not, so it
 *   is never tried again after it may have been carried out.
 * - `success`: the status of the answer that counts: the DataNode's, where the NameNode redirects to one.
 */
const OPERATIONS = {
  CREATE: { method: 'PUT', effect: 'once', success: 201, redirects: true },
  OPEN: { method: 'GET', effect: 'none', success: 200, redirects: true },
  GETFILECHECKSUM: { method: 'GET', effect: 'none', success: 200, redirects: true },
  GETFILESTATUS: { method: 'GET', effect: 'none', success: 200, redirects: false },
  LISTSTATUS_BATCH: { method: 'GET', effect: 'none', success: 200, redirects: false },
  RENAME: { method: 'PUT', effect: 'once', success: 200, redirects: false },
  MKDIRS: { method: 'PUT', effect: 'idempotent', success: 200, redirects: false },
  DELETE: { method: 'DELETE', effect: 'idempotent', success: 200, redirects: false },
} as const;

/** One operation on one path. */
export interface Call {
  readonly operation: keyof typeof OPERATIONS;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Body;
  /** Begins to take the answer's body; called anew for each try, from the body's start. */
  readonly receive?: () => (chunk: Buffer) => Promise<void>;
  /** The most bytes of the answer to take into memory. */
  readonly bodyLimit?: number;
  readonly signal?: AbortSignal | undefined;
}

/** An answer, and the step that got it. */
export interface Answered extends Answer {
  readonly step: Step;
}

/** What a {@link Cluster} is made of. */
export interface ClusterOptions {
  /** HTTP addresses, at least one. */
  readonly nameNodes: readonly string[];
  readonly identity: Identity;
  /** The settings that decide whether a redirect may be followed with a secret in it. */
  readonly secrets: Pick<HdfsOptions, 'delegationTokenVariable' | 'allowCleartext'>;
  readonly tls: TlsMaterial;
  readonly timeouts: Timeouts;
  readonly retry: Retry;
  readonly logger: Logger | undefined;
}

/** The NameNodes of one HDFS: which to ask, what to try again, and the second step at a DataNode. */
export class Cluster {
  readonly #nameNodes: readonly URL[];
  readonly #options: Omit<ClusterOptions, 'nameNodes'>;
  readonly #agents: Agents;
  /** Which NameNode answered last as the active one. */
  #good: URL | undefined;

  constructor(options: ClusterOptions) {
    const { nameNodes, ...rest } = options;
    this.#nameNodes = nameNodes.map(parseNameNode);
    if (this.#nameNodes.length === 0) throw new HdfsError('HDFS_REFUSED', 'no NameNode is named');
    this.#options = rest;
    this.#agents = createAgents(rest.tls);
  }

  /**
   * Carries out an operation: on the NameNode that was good last, then on the others, then again after a
   * pause, as long as its error is a passing one and it may be carried out again. No round begins after the
   * time that one answer may take: servers that hang are reported then, not waited for again.
   * @throws {HdfsError} the last error, or the one before where the last only says that a NameNode is on standby.
   */
  async call(call: Call): Promise<Answered> {
    const path = encodePath(call.path);
    const { retry, timeouts, logger } = this.#options;
    const begun = performance.now();
    let telling: HdfsError | undefined;
    let asked: URL | undefined;
    for (let round = 1; ; round += 1) {
      for (const nameNode of this.#goodFirst()) {
        try {
          const answer = await this.#attempt(nameNode, path, call);
          this.#good = nameNode;
          return answer;
        } catch (thrown) {
          if (!(thrown instanceof HdfsError)) throw thrown;
          if (!thrown.canRetry) this.#good = nameNode;
          if (!mayRepeat(call, thrown)) throw thrown;
          if (telling === undefined || thrown.exception !== 'StandbyException') telling = thrown;
          asked = nameNode;
        }
      }
      const overdue = performance.now() - begun >= timeouts.answerMs;
      if (telling !== undefined && (overdue || round >= retry.attempts)) {
        throw asked === undefined ? telling : await this.#explained(telling, asked);
      }
      logger?.warn({ round, reason: telling?.message }, 'HDFS is asked again');
      await pauseFor(retry.backoffMs * 2 ** (round - 1), call.signal);
    }
  }

  /** A server that speaks TLS closes a connection without it, and does not say why; so it is asked, if it never answered. */
  async #explained(error: HdfsError, { protocol, hostname, port, host }: URL): Promise<HdfsError> {
    if (this.#good !== undefined || error.httpStatus !== undefined || protocol !== 'http:') return error;
    const fault = await probe({ host: hostname, port: Number(port || 80), tls: undefined });
    if (fault?.isPermanent !== true) return error;
    return new HdfsError('HDFS_REFUSED', `NameNode ${host}: ${fault.reason} (https)`, { cause: error.cause });
  }

  #goodFirst(): URL[] {
    const good = this.#good;
    return good === undefined
      ? [...this.#nameNodes]
      : [good, ...this.#nameNodes.filter((one) => one !== good)];
  }

  async #attempt(nameNode: URL, path: string, call: Call): Promise<Answered> {
    const { method, effect, success, redirects } = OPERATIONS[call.operation];
    const url = new URL(`${nameNode.pathname.replace(/\/$/, '')}/webhdfs/v1${path}`, nameNode);
    const { identity, timeouts, tls } = this.#options;
    url.search = queryOf({ op: call.operation, ...identity.query, ...call.query });
    const shared = { method, timeouts, tls, signal: call.signal };
    const step: Step = {
      operation: call.operation,
      path: call.path,
      server: `NameNode ${nameNode.host}`,
      changes: effect !== 'none' && !redirects,
      redirected: false,
    };
    const answer = await exchange({
      ...shared,
      step,
      url,
      headers: identity.headers,
      expect: redirects ? 307 : success,
      // A kept connection may be a dead one, which leaves doubt whether the request was carried out.
      agents: step.changes && effect === 'once' ? undefined : this.#agents,
    });
    if (!redirects) return { ...answer, step };
    const target = redirectOf(step, url, answer);
    requireConfidentialRedirect(this.#options.secrets, target);
    // A gateway sends on to itself, and asks there again who comes. Another server must not learn the password.
    const itself = target.origin === url.origin;
    const server = `${itself ? 'the gateway' : 'DataNode'} ${target.host}`;
    const second: Step = { ...step, server, changes: effect !== 'none', redirected: true };
    const outcome = await exchange({
      ...shared,
      step: second,
      url: target,
      headers: itself ? identity.headers : {},
      expect: success,
      body: call.body,
      receive: call.receive?.(),
      bodyLimit: call.bodyLimit,
    });
    return { ...outcome, step: second };
  }
}

function mayRepeat(call: Call, error: HdfsError): boolean {
  return error.canRetry && !(error.ambiguous && OPERATIONS[call.operation].effect === 'once');
}

async function pauseFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => {
    signal?.throwIfAborted();
  });
}

function parseNameNode(address: string): URL {
  if (URL.canParse(address)) {
    const url = new URL(address);
    if (/^https?:$/.test(url.protocol)) return url;
  }
  throw new HdfsError('HDFS_REFUSED', `${JSON.stringify(address)} is no http or https address of a NameNode`);
}

function queryOf(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
}

/** Where a NameNode sends the second step: a URL that is used as it is, once, and never printed. */
function redirectOf(step: Step, asked: URL, answer: Answer): URL {
  const { location = '' } = answer;
  if (location === '' || !URL.canParse(location, asked.href)) {
    throw unexpectedAnswer(step, answer.status, 'its redirect names no address');
  }
  const target = new URL(location, asked.href);
  if (target.protocol !== asked.protocol) {
    throw unexpectedAnswer(
      step,
      answer.status,
      `it redirects to ${target.protocol} and not to ${asked.protocol}`,
    );
  }
  return target;
}
