import { isIP } from 'node:net';

/**
 * Returns whether the Host header of a request names this server. This blocks DNS rebinding: a web page can make its own
 * name resolve to this machine, but its requests still carry that name. IP addresses cannot be rebound and are allowed.
 * @param header As `worker:8235`. A request without one (HTTP/1.0) does not come from a browser and is allowed.
 * @param names The server's names besides `localhost`, in lower case.
 */
export function isServedHost(header: string | undefined, names: readonly string[] = []): boolean {
  if (header === undefined) return true;
  const host = header.replace(/:\d*$/, '').toLowerCase();
  const address = host.replace(/^\[(.*)\]$/, '$1');
  return host === 'localhost' || names.includes(host) || isIP(address) !== 0;
}

/** The HTTP status Misdirected Request (RFC 9110, 15.5.20). */
export const MISDIRECTED = 421;
