import { requireConfidential } from '../../model/confidential.ts';
import { secretOf } from '../../model/secrets.ts';
import { hdfsSecretRoute, hdfsSecretRoutes, type TlsFiles } from '../../model/settings-servers.ts';
import { readTls, type TlsMaterial } from '../net/tls.ts';

/** The header that HDFS requires for changes if `dfs.webhdfs.rest-csrf.enabled` is set. Any value is accepted. */
export const CROSS_SITE_HEADER = { 'X-XSRF-HEADER': 'assessment-pipeline' } as const;

/** The addresses and credentials of an HDFS: `hdfs` in the settings. */
export interface HdfsOptions {
  /** The URLs of the active and standby NameNodes, as `http://127.0.0.1:9870`, or of a gateway. */
  readonly nameNodes: readonly string[];
  /** `user.name`, used without `basicAuth` and `delegationTokenVariable`. */
  readonly user: string;
  readonly tls?: TlsFiles | undefined;
  readonly basicAuth?: { readonly user: string; readonly passwordVariable: string } | undefined;
  readonly delegationTokenVariable?: string | undefined;
  /** The permissions of new files, as `0640`; default: HDFS's own, 0644. */
  readonly fileMode?: string | undefined;
  /** The permissions of new folders, as `0750`; default: HDFS's own, 0755. */
  readonly directoryMode?: string | undefined;
  /** Whether a password or token may be sent to another host without TLS; default: false. */
  readonly allowCleartext?: boolean | undefined;
}

/** The credentials that are added to each request to a NameNode. */
export interface Identity {
  /** `user.name` or `delegation`. The NameNode repeats it in its redirect to a DataNode. */
  readonly query: Readonly<Record<string, string>>;
  /** `Authorization`. Never sent to another server after a redirect. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Returns the credentials of a client: a delegation token, basic authentication, or `user.name`.
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
 * Requires that a redirect does not send the delegation token, which is in its URL, to another host without TLS.
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

/**
 * Reads the TLS files of the settings.
 * @throws {PipelineError} SETTINGS_INVALID, naming the invalid file.
 */
export function tlsOf({ tls }: HdfsOptions): TlsMaterial {
  return tls === undefined ? {} : readTls(tls, 'hdfs.tls');
}

/** Returns the WebHDFS parameter for the permissions of new files or folders; none for HDFS's default. */
export function permissionOf(mode: string | undefined): Readonly<Record<string, string>> {
  return mode === undefined ? {} : { permission: mode };
}
