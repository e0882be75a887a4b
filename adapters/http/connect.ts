import { lookup, type LookupAddress } from 'node:dns';
import type { BlockList } from 'node:net';
import { isIP, type LookupFunction } from 'node:net';
import { PipelineError } from '../../model/errors.ts';
import { hasAddress, listOf, networkOf, type Network } from './networks.ts';

/** The rules by which an IP address may be connected to (protection against server-side request forgery). */
export interface ConnectRules {
  /** The source, for errors. */
  readonly subject: string;
  /** Subnets that are always allowed. */
  readonly allowed: readonly string[];
  /** The network of the source's own server after a redirect; undefined for the URL in the settings. */
  readonly redirectedFrom: Network | undefined;
  /** The `redirectHosts` of the settings; IP addresses in it are allowed. */
  readonly redirectHosts: readonly string[];
  /** Allows only loopback addresses, because a secret is sent without TLS. */
  readonly loopbackOnly: boolean;
}

/** Ranks networks: a redirect must not lead to a higher rank than the source's own server has. */
const RANKS: Readonly<Record<Network, number>> = { public: 0, private: 1, loopback: 2, 'link-local': 3 };

/**
 * Returns a lookup function that returns only allowed addresses. The connection uses its result, so DNS rebinding
 * cannot bypass the rules.
 * @param resolve Node's lookup, unless replaced by a test.
 */
export function guardedLookup(rules: ConnectRules, resolve: typeof lookup = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const allowed = addresses.filter(({ address }) => isAllowed(rules, address));
      const [first] = allowed;
      if (first === undefined) callback(refusal(rules, hostname, addresses), []);
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

/**
 * Checks a URL whose host is an IP address, for which no lookup happens.
 * @throws {PipelineError} SOURCE_REFUSED when the address is not allowed.
 */
export function requireAllowed(rules: ConnectRules, { hostname }: URL): void {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(address);
  if (family !== 0 && !isAllowed(rules, address)) throw refusal(rules, hostname, [{ address, family }]);
}

function isAllowed(rules: ConnectRules, address: string): boolean {
  const network = networkOf(address);
  if (rules.loopbackOnly) return network === 'loopback';
  if (hasAddress(listOf(rules.allowed), address)) return true;
  if (network === 'link-local') return false;
  const { redirectedFrom } = rules;
  if (redirectedFrom === undefined || RANKS[network] <= RANKS[redirectedFrom]) return true;
  return hasAddress(namedAddresses(rules.redirectHosts), address);
}

function namedAddresses(redirectHosts: readonly string[]): BlockList {
  const hosts = redirectHosts.map((host) => host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'));
  return listOf(hosts.filter((host) => isIP(host) !== 0));
}

function refusal(rules: ConnectRules, host: string, addresses: readonly LookupAddress[]): PipelineError {
  const shown = addresses.slice(0, 3).map(({ address }) => `${address} (${networkOf(address)})`);
  const where = `${host} is ${shown.join(', ')}`;
  if (rules.loopbackOnly) {
    return new PipelineError(
      'SOURCE_REFUSED',
      `${rules.subject}: the token would be sent without TLS to another host: ${where}`,
    );
  }
  const why =
    rules.redirectedFrom === undefined
      ? 'a link-local address is refused'
      : `the server redirects to an address nearer than its own, which is ${rules.redirectedFrom}`;
  return new PipelineError(
    'SOURCE_REFUSED',
    `${rules.subject}: ${why}: ${where}; sources.NAME.allowAddresses can allow it`,
  );
}
