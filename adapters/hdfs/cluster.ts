import { setTimeout as pause } from 'node:timers/promises';
import { probe } from '../net/connection-faults.ts';
import { requireConfidentialRedirect, type HdfsOptions, type Identity } from './access.ts';
import type { Logger } from '../log.ts';
import type { TlsMaterial } from '../net/tls.ts';
import { createAgents, type Agents } from './connections.ts';
import { HdfsError, unexpectedAnswer, type RequestStep } from './errors.ts';
import { encodePath } from './paths.ts';
import { exchange, type HdfsResponse, type Body } from './request.ts';
import type { Timeouts } from './timeouts.ts';

/** The retry policy for transient errors. */
export interface Retry {
  /** The maximum number of rounds over all NameNodes, including the first. */
  readonly attempts: number;
  /** The pause after the first round, in milliseconds; it doubles after each round. */
  readonly backoffMs: number;
}

/** The default retry policy. */
export const DEFAULT_RETRY: Retry = { attempts: 4, backoffMs: 250 };

/**
 * The WebHDFS operations in use.
 * - `effect`: `none` only reads; `idempotent` can be executed twice; `once` cannot, so it is never retried after an
 *   ambiguous error.
 * - `success`: the expected status of the last answer: the DataNode's if the NameNode redirects to one.
 */
const OPERATIONS = {
  CREATE: { method: 'PUT', effect: 'once', success: 201, redirects: true },
  OPEN: { method: 'GET', effect: 'none', success: 200, redirects: true },
  GETFILECHECKSUM: { method: 'GET', effect: 'none', success: 200, redirects: true },
  GETFILESTATUS: { method: 'GET', effect: 'none', success: 200, redirects: false },
  LISTSTATUS_BATCH: { method: 'GET', effect: 'none', success: 200, redirects: false },
  RENAME: { method: 'PUT', effect: 'once', success: 200, redirects: false },
  SETTIMES: { method: 'PUT', effect: 'idempotent', success: 200, redirects: false },
  MKDIRS: { method: 'PUT', effect: 'idempotent', success: 200, redirects: false },
  DELETE: { method: 'DELETE', effect: 'idempotent', success: 200, redirects: false },
} as const;

/** One operation on one absolute path. */
export interface WebHdfsCall {
  readonly operation: keyof typeof OPERATIONS;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Body;
  /** Returns a sink for the answer's body; called once per attempt, which starts with the body's first byte. */
  readonly receive?: () => (chunk: Buffer) => Promise<void>;
  /** The maximum size of an answer that is held in memory, in bytes. */
  readonly bodyLimit?: number;
  readonly signal?: AbortSignal | undefined;
}

/** An answer and the step that received it. */
export interface Answered extends HdfsResponse {
  readonly step: RequestStep;
}

/** A round in which no NameNode executed the operation. */
interface FailedRound {
  /** The last error other than a StandbyException, if there is one. */
  readonly error: HdfsError;
  /** The NameNode that was tried last. */
  readonly nameNode: URL;
}

/** The options of a {@link Cluster}. */
export interface ClusterOptions {
  /** HTTP addresses, at least one. */
  readonly nameNodes: readonly string[];
  readonly identity: Identity;
  /** The settings that decide whether a redirect that contains a secret may be followed. */
  readonly secrets: Pick<HdfsOptions, 'delegationTokenVariable' | 'allowCleartext'>;
  readonly tls: TlsMaterial;
  readonly timeouts: Timeouts;
  readonly retry: Retry;
  readonly logger: Logger | undefined;
}

/** The NameNodes of one HDFS: selects the active one, retries, and follows redirects to DataNodes. */
export class Cluster {
  readonly #nameNodes: readonly URL[];
  readonly #options: Omit<ClusterOptions, 'nameNodes'>;
  readonly #agents: Agents;
  /** The NameNode that last answered as the active one. */
  #active: URL | undefined;

  constructor(options: ClusterOptions) {
    const { nameNodes, ...rest } = options;
    this.#nameNodes = nameNodes.map(parseNameNode);
    if (this.#nameNodes.length === 0) throw new HdfsError('HDFS_REFUSED', 'no NameNode is configured');
    this.#options = rest;
    this.#agents = createAgents(rest.tls);
  }

  /**
   * Executes an operation on the last active NameNode, then on the others. Retries transient errors after a pause, if
   * the operation can be repeated. No round begins after `answerMs`, so hanging servers are not waited for again.
   * Idempotent if the operation is; see `effect` of {@link OPERATIONS}.
   * @throws {HdfsError} The last error other than a StandbyException, if there is one.
   */
  async call(call: WebHdfsCall): Promise<Answered> {
    const path = encodePath(call.path);
    const { retry, timeouts, logger } = this.#options;
    const startedAt = performance.now();
    let failure: FailedRound | undefined;
    for (let round = 1; ; round += 1) {
      const result = await this.#tryNameNodes(path, call, failure);
      if ('step' in result) return result;
      failure = result;
      const isOverdue = performance.now() - startedAt >= timeouts.answerMs;
      if (isOverdue || round >= retry.attempts) throw await this.#diagnose(failure);
      logger?.warn({ round, reason: failure.error.message }, 'HDFS request failed, retrying');
      await pauseFor(retry.backoffMs * 2 ** (round - 1), call.signal);
    }
  }

  /**
   * Executes an operation on each NameNode until one answers.
   * @param previous The failure of the previous round.
   * @returns The answer, or the failure to report if this was the last round.
   */
  async #tryNameNodes(
    path: string,
    call: WebHdfsCall,
    previous?: FailedRound,
  ): Promise<Answered | FailedRound> {
    let error = previous?.error;
    const nameNodes = this.#activeFirst();
    for (const nameNode of nameNodes) {
      try {
        const answer = await this.#attempt(nameNode, path, call);
        this.#active = nameNode;
        return answer;
      } catch (thrown) {
        if (!(thrown instanceof HdfsError)) throw thrown;
        if (!thrown.canRetry) this.#active = nameNode;
        if (!canRepeat(call, thrown)) throw thrown;
        if (error === undefined || thrown.exception !== 'StandbyException') error = thrown;
      }
    }
    const nameNode = nameNodes.at(-1);
    if (error === undefined || nameNode === undefined) throw new TypeError('there is no NameNode');
    return { error, nameNode };
  }

  /** Probes a NameNode that never answered: a TLS port closes plain connections without giving a reason. */
  async #diagnose({ error, nameNode }: FailedRound): Promise<HdfsError> {
    const { protocol, hostname, port, host } = nameNode;
    if (this.#active !== undefined || error.httpStatus !== undefined || protocol !== 'http:') return error;
    const fault = await probe({ host: hostname, port: Number(port || 80), tls: undefined });
    if (fault?.isPermanent !== true) return error;
    return new HdfsError('HDFS_REFUSED', `NameNode ${host}: ${fault.reason} (https)`, { cause: error.cause });
  }

  #activeFirst(): URL[] {
    const active = this.#active;
    return active === undefined
      ? [...this.#nameNodes]
      : [active, ...this.#nameNodes.filter((nameNode) => nameNode !== active)];
  }

  async #attempt(nameNode: URL, path: string, call: WebHdfsCall): Promise<Answered> {
    const { method, effect, success, redirects } = OPERATIONS[call.operation];
    const url = new URL(`${nameNode.pathname.replace(/\/$/, '')}/webhdfs/v1${path}`, nameNode);
    const { identity, timeouts, tls } = this.#options;
    url.search = queryOf({ op: call.operation, ...identity.query, ...call.query });
    const shared = { method, timeouts, tls, signal: call.signal };
    const step: RequestStep = {
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
      // A pooled connection may be dead, and its failure ambiguous.
      agents: step.changes && effect === 'once' ? undefined : this.#agents,
    });
    if (!redirects) return { ...answer, step };
    const target = redirectOf(step, url, answer);
    requireConfidentialRedirect(this.#options.secrets, target);
    // A gateway redirects to itself and authenticates again. Other servers must not receive the password.
    const isGateway = target.origin === url.origin;
    const server = `${isGateway ? 'the gateway' : 'DataNode'} ${target.host}`;
    const second: RequestStep = { ...step, server, changes: effect !== 'none', redirected: true };
    const outcome = await exchange({
      ...shared,
      step: second,
      url: target,
      headers: isGateway ? identity.headers : {},
      expect: success,
      body: call.body,
      receive: call.receive?.(),
      bodyLimit: call.bodyLimit,
    });
    return { ...outcome, step: second };
  }
}

function canRepeat(call: WebHdfsCall, error: HdfsError): boolean {
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
  throw new HdfsError('HDFS_REFUSED', `${JSON.stringify(address)} is not an http or https URL of a NameNode`);
}

function queryOf(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
}

/** Returns the target of a NameNode's redirect, unchanged. It may contain a token: never log it. */
function redirectOf(step: RequestStep, requested: URL, answer: HdfsResponse): URL {
  const { location = '' } = answer;
  if (location === '' || !URL.canParse(location, requested.href)) {
    throw unexpectedAnswer(step, answer.status, 'its redirect has no valid Location');
  }
  const target = new URL(location, requested.href);
  if (target.protocol !== requested.protocol) {
    throw unexpectedAnswer(
      step,
      answer.status,
      `it redirects from ${requested.protocol} to ${target.protocol}`,
    );
  }
  return target;
}
