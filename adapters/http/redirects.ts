import { PipelineError } from '../../model/errors.ts';

/** Statuses that redirect if the answer has a Location. */
const REDIRECTS: ReadonlySet<number> = new Set([300, 301, 302, 303, 307, 308]);

/** The allowed redirects of a source. */
export interface RedirectRules {
  /** The source, for errors. */
  readonly subject: string;
  /** The hosts, as `host` or `host:port`, that are allowed besides the server itself. */
  readonly redirectHosts: readonly string[];
  /** The verb of the server's action, for errors; by default `redirects`. */
  readonly verb?: string;
}

/** Returns whether an answer is a redirect. */
export function isRedirect(status: number, location: string | undefined): location is string {
  return REDIRECTS.has(status) && location !== undefined;
}

/**
 * Returns the target of a redirect. Another origin must be in `redirectHosts`, and https never redirects to http.
 * @param location The header, one character per byte, as Node decodes it.
 * @throws {PipelineError} SOURCE_REFUSED for a target that is invalid or not allowed.
 */
export function redirectTarget(rules: RedirectRules, from: URL, location: string): URL {
  const { redirectHosts } = rules;
  const escaped = escapeBytes(location);
  if (!URL.canParse(escaped, from.href)) throw refused(rules, 'to what is no address');
  const to = new URL(escaped, from.href);
  if (to.username + to.password !== '') throw refused(rules, 'to an address with a user or password');
  if (to.origin === from.origin) return to;
  const isSafe = to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:');
  if (!isSafe) throw refused(rules, `from ${from.protocol} to ${to.protocol}`);
  if (redirectHosts.includes(to.host) || redirectHosts.includes(`${to.hostname}:${portOf(to)}`)) return to;
  const host = `${to.host}${describeDifference(from, to)}`;
  throw refused(rules, `to another host, ${host}, which its redirectHosts do not name`);
}

/**
 * Returns the URL of a next page, by the rules of redirects from the source's own server.
 * @param own A URL of the source's own server.
 * @param base The URL of the page with the link.
 * @throws {PipelineError} SOURCE_REFUSED for a target that is invalid or not allowed.
 */
export function linkTarget(rules: RedirectRules, own: URL, base: URL, link: string): URL {
  const linking = { ...rules, verb: 'links its next page' };
  if (!URL.canParse(link, base.href)) throw refused(linking, 'to what is no address');
  return redirectTarget(linking, own, new URL(link, base.href).href);
}

/** Percent-encodes bytes that are not ASCII, whatever their encoding (RFC 3986, 2.5). */
function escapeBytes(location: string): string {
  return location.replaceAll(
    /[\x80-\xff]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** Describes the difference between two origins with the same host name; empty for other ones. */
function describeDifference(from: URL, to: URL): string {
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

function refused({ subject, verb = 'redirects' }: RedirectRules, how: string): PipelineError {
  return new PipelineError('SOURCE_REFUSED', `${subject}: the server ${verb} ${how}`);
}
