import { requireConfidential } from '../../model/confidential.ts';
import { secretOf } from '../../model/secrets.ts';
import { hdfsSecretRoute, hdfsSecretRoutes, type TlsFiles } from '../../model/settings-servers.ts';
import { readTls, type TlsMaterial } from '../net/tls.ts';

/**
 * The header that HDFS asks for before it changes anything, where it guards against cross-site requests
 * (`dfs.webhdfs.rest-csrf.enabled`): a page in a browser cannot send it to another site. Any value will do.
 */
export const CROSS_SITE_HEADER = { 'X-XSRF-HEADER': 'assessment-pipeline' } as const;

/** Where an HDFS is and as whom to come, as `hdfs` of the settings says it. */
export interface HdfsOptions {
  /** The addresses of its NameNodes, as `http://127.0.0.1:9870`, the active and the standby ones; or of a gateway. */
  readonly nameNodes: readonly string[];
  /** Whom HDFS takes the client for (`user.name`), where nothing below says who it is. */
  readonly user: string;
  readonly tls?: TlsFiles | undefined;
  readonly basicAuth?: { readonly user: string; readonly passwordVariable: string } | undefined;
  readonly delegationTokenVariable?: string | undefined;
  /** The permissions of new files, as `0640`; HDFS's default, 0644, unless given. */
  readonly fileMode?: string | undefined;
  /** The permissions of new folders, as `0750`; HDFS's default, 0755, unless given. */
  readonly directoryMode?: string | undefined;
  /** Whether a password or a token may be sent without TLS to another host. */
  readonly allowCleartext?: boolean | undefined;
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
 * @throws {PipelineError} SETTINGS_INVALID, naming an environment variable that is not set, or a NameNode that a
 * secret may not be sent to.
 */
export function identityOf(options: HdfsOptions): Identity {
  const { user, basicAuth, delegationTokenVariable } = options;
  hdfsSecretRoutes(options).forEach(requireConfidential);
  if (delegationTokenVariable !== undefined) {
    const delegation = secretOf(delegationTokenVariable, 'the delegation token of hdfs');
    return { query: { delegation }, headers: {} };
  }
  if (basicAuth === undefined) return { query: { 'user.name': user }, headers: {} };
  const password = secretOf(basicAuth.passwordVariable, 'the password of hdfs.basicAuth');
  const login = Buffer.from(`${basicAuth.user}:${password}`).toString('base64');
  return { query: {}, headers: { authorization: `Basic ${login}` } };
}

/**
 * Refuses a redirect that has the delegation token in its address, as those of a NameNode have, and would send it
 * where others on the network can read it. A password is never sent on to another server.
 * @throws {PipelineError} SETTINGS_INVALID
 */
export function requireConfidentialRedirect(
  options: Pick<HdfsOptions, 'delegationTokenVariable' | 'allowCleartext'>,
  target: URL,
): void {
  const { delegationTokenVariable, allowCleartext } = options;
  const route = hdfsSecretRoute({ delegationTokenVariable, allowCleartext }, target);
  if (route !== undefined) requireConfidential(route);
}

/** @throws {PipelineError} SETTINGS_INVALID, naming a file that is not what it should be. */
export function tlsOf({ tls }: HdfsOptions): TlsMaterial {
  return tls === undefined ? {} : readTls(tls, 'hdfs.tls');
}

/** The parameter of WebHDFS for the permissions of what is made; none leaves them to HDFS. */
export function permissionOf(mode: string | undefined): Readonly<Record<string, string>> {
  return mode === undefined ? {} : { permission: mode };
}
