import { PipelineError } from '../../model/errors.ts';

/** Statuses that, with a Location, lead to another address. */
const REDIRECTS: ReadonlySet<number> = new Set([300, 301, 302, 303, 307, 308]);

/** Where redirects of a source may lead. */
export interface RedirectRules {
  /** The source, for messages. */
  readonly subject: string;
  /** Hosts, as `host` or `host:port`, that a redirect may lead to besides the server itself. */
  readonly redirectHosts: readonly string[];
}

/** Whether an answer redirects. */
export function isRedirect(status: number, location: string | undefined): location is string {
  return REDIRECTS.has(status) && location !== undefined;
}

/**
 * The address that a redirect leads to. Another scheme, host or port is followed only where the settings name it,
 * and never from https to http.
 * @param location The header as Node has it, a character a byte.
 * @throws {PipelineError} SOURCE_REFUSED
 */
export function redirectTarget({ subject, redirectHosts }: RedirectRules, from: URL, location: string): URL {
  const escaped = escapeBytes(location);
  if (!URL.canParse(escaped, from.href)) throw refused(subject, 'to what is no address');
  const to = new URL(escaped, from.href);
  if (to.username + to.password !== '') throw refused(subject, 'to an address with a user or password');
  if (to.origin === from.origin) return to;
  const isSafe = to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:');
  if (!isSafe) throw refused(subject, `from ${from.protocol} to ${to.protocol}`);
  if (redirectHosts.includes(to.host) || redirectHosts.includes(`${to.hostname}:${portOf(to)}`)) return to;
  const host = `${to.host}${sameName(from, to)}`;
  throw refused(subject, `to another host, ${host}, which its redirectHosts do not name`);
}

/** Percent-encodes the bytes that are not ASCII, of UTF-8 or any other encoding (RFC 3986, 2.5). */
function escapeBytes(location: string): string {
  return location.replaceAll(
    /[\x80-\xff]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** What differs, where the name of the host does not. */
function sameName(from: URL, to: URL): string {
  if (to.hostname !== from.hostname) return '';
  const differences = [
    ...(to.protocol === from.protocol ? [] : [`scheme, ${to.protocol} in place of ${from.protocol}`]),
    ...(to.port === from.port ? [] : [`port, ${portOf(to)} in place of ${portOf(from)}`]),
  ];
  return ` (the same name, but another ${differences.join(' and another ')})`;
}

function portOf({ port, protocol }: URL): string {
  return port === '' ? (protocol === 'https:' ? '443' : '80') : port;
}

function refused(subject: string, how: string): PipelineError {
  return new PipelineError('SOURCE_REFUSED', `${subject}: the server redirects ${how}`);
}
