import { secretOf } from '../model/secrets.ts';
import type { TlsFiles } from '../model/settings-servers.ts';
import { readTls, type TlsMaterial } from './tls.ts';

/** Where an HDFS is and as whom to come, as `hdfs` of the settings says it. */
export interface HdfsOptions {
  /** The addresses of its NameNodes, as `http://127.0.0.1:9870`, the active and the standby ones; or of a gateway. */
  readonly nameNodes: readonly string[];
  /** Whom HDFS takes the client for (`user.name`), where nothing below says who it is. */
  readonly user: string;
  readonly tls?: TlsFiles | undefined;
  readonly basicAuth?: { readonly user: string; readonly passwordVariable: string } | undefined;
  readonly delegationTokenVariable?: string | undefined;
}

/** How a client shows who it is: what it adds to each request to a NameNode. */
export interface Identity {
  /** `user.name` or `delegation`. A redirect of a NameNode repeats it for the DataNode. */
  readonly query: Readonly<Record<string, string>>;
  /** `Authorization`. It goes to the server that it is for, and to no other that an answer names. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Who a client of HDFS is. A gateway that knows the user by a password, and a NameNode that knows it by a token, are
 * told no `user.name` besides.
 * @throws {PipelineError} SETTINGS_INVALID, naming an environment variable that is not set.
 */
export function identityOf({ user, basicAuth, delegationTokenVariable }: HdfsOptions): Identity {
  if (delegationTokenVariable !== undefined) {
    const delegation = secretOf(delegationTokenVariable, 'the delegation token of hdfs');
    return { query: { delegation }, headers: {} };
  }
  if (basicAuth === undefined) return { query: { 'user.name': user }, headers: {} };
  const password = secretOf(basicAuth.passwordVariable, 'the password of hdfs.basicAuth');
  const login = Buffer.from(`${basicAuth.user}:${password}`).toString('base64');
  return { query: {}, headers: { authorization: `Basic ${login}` } };
}

/** @throws {PipelineError} SETTINGS_INVALID, naming a file that is not what it should be. */
export function tlsOf({ tls }: HdfsOptions): TlsMaterial {
  return tls === undefined ? {} : readTls(tls, 'hdfs.tls');
}
