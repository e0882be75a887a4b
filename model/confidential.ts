import { BlockList, isIP } from 'node:net';
import { PipelineError } from './errors.ts';

/** A secret and the server it is sent to. */
export interface SecretRoute {
  /** A description for messages, as `the password of kafka.sasl`; never the secret itself. */
  readonly secret: string;
  /** The server's name or IP address, without its port. An IPv6 address may be in brackets. */
  readonly host: string;
  /** Whether the connection is encrypted (TLS, https). */
  readonly tls: boolean;
  /** Whether the settings allow the secret on a connection without TLS. */
  readonly allowCleartext?: boolean | undefined;
  /** The name of that setting for messages, as `kafka.allowCleartext`. */
  readonly setting: string;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Returns whether a host is certainly this machine: `localhost`, or a loopback IP address. Other names count as remote,
 * whatever they currently resolve to.
 */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const version = isIP(bare);
  return version === 0 ? bare === 'localhost' : LOOPBACK.check(bare, version === 4 ? 'ipv4' : 'ipv6');
}

/** Returns whether a secret may be sent: over TLS, to this machine, or if the settings allow cleartext. */
export function isConfidential({
  host,
  tls,
  allowCleartext = false,
}: Pick<SecretRoute, 'host' | 'tls' | 'allowCleartext'>): boolean {
  return tls || allowCleartext || isLoopback(host);
}

/**
 * Requires that a secret is not sent where others on the network could read it.
 * @throws {PipelineError} SETTINGS_INVALID, naming the secret's setting, the host and the setting that allows it.
 */
export function requireConfidential(route: SecretRoute): void {
  if (isConfidential(route)) return;
  throw new PipelineError('SETTINGS_INVALID', cleartextFault(route));
}

/** Returns the message of {@link requireConfidential}'s error. */
export function cleartextFault({
  secret,
  host,
  setting,
}: Pick<SecretRoute, 'secret' | 'host' | 'setting'>): string {
  return `${secret} would be sent to ${host} without TLS, where others on the network can read it: use TLS, or set ${setting}: true to allow it`;
}
