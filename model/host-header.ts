import { isIP } from 'node:net';

/**
 * Whether a request is for this server, by its Host header. A page in a browser can have its own name lead to this
 * machine (DNS rebinding) and then read and send what it likes, but its requests still carry that name. So the name
 * must be one that the server is known by; an IP address cannot be led elsewhere.
 * @param header As `worker:8235`; without it, as HTTP/1.0 allows, a request comes from no browser.
 * @param names The names that the server has besides `localhost`, in small letters.
 */
export function isServedHost(header: string | undefined, names: readonly string[] = []): boolean {
  if (header === undefined) return true;
  const host = header.replace(/:\d*$/, '').toLowerCase();
  const address = host.replace(/^\[(.*)\]$/, '$1');
  return host === 'localhost' || names.includes(host) || isIP(address) !== 0;
}

/** The status of an answer to a request that is for another host (RFC 9110, 15.5.20). */
export const MISDIRECTED = 421;
