import { BlockList, isIP } from 'node:net';
import { PipelineError } from './errors.ts';

/** One way of a secret to a server. */
export interface SecretRoute {
  /** The secret and its setting, as `the password of kafka.sasl`; for the message. Never the secret itself. */
  readonly secret: string;
  /** The server's name or IP address, without its port. An IPv6 address may be in brackets. */
  readonly host: string;
  /** Whether the connection is encrypted (TLS, https). */
  readonly tls: boolean;
  /** Whether the settings allow the secret on a connection without TLS. */
  readonly allowCleartext?: boolean | undefined;
  /** The setting that allows it, as `kafka.allowCleartext`; for the message. */
  readonly setting: string;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Whether a host can only be this machine: `localhost`, or an IP address of the loopback interface. Other names count
 * as remote, whatever they resolve to at the moment.
 */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const version = isIP(bare);
  return version === 0 ? bare === 'localhost' : LOOPBACK.check(bare, version === 4 ? 'ipv4' : 'ipv6');
}

/** Whether a secret may be sent: over TLS, to this machine itself, or where the settings allow cleartext. */
export function isConfidential({
  host,
  tls,
  allowCleartext = false,
}: Pick<SecretRoute, 'host' | 'tls' | 'allowCleartext'>): boolean {
  return tls || allowCleartext || isLoopback(host);
}

/**
 * Refuses to send a secret where others on the network could read it.
 * @throws {PipelineError} SETTINGS_INVALID, naming the secret's setting, the host and the setting that allows it.
 */
export function requireConfidential(route: SecretRoute): void {
  if (isConfidential(route)) return;
  throw new PipelineError('SETTINGS_INVALID', cleartextFault(route));
}

/** Says why {@link requireConfidential} refuses. */
export function cleartextFault({
  secret,
  host,
  setting,
}: Pick<SecretRoute, 'secret' | 'host' | 'setting'>): string {
  return `${secret} would be sent to ${host} without TLS, where others on the network can read it: use TLS, or set ${setting}: true to allow it`;
}
