import { lookup, type LookupAddress } from 'node:dns';
import type { BlockList } from 'node:net';
import { isIP, type LookupFunction } from 'node:net';
import { PipelineError } from '../../model/errors.ts';
import { includes, listOf, networkOf, type Network } from './networks.ts';

/** What decides whether a source's content may be fetched from an IP address. */
export interface ConnectRules {
  /** The source, for messages. */
  readonly subject: string;
  /** Subnets that may be connected to, whatever their network. */
  readonly allowed: readonly string[];
  /** The network of the source's own server, once it has redirected; undefined for the url of the settings. */
  readonly redirectedFrom: Network | undefined;
  /** Hosts that the settings name for redirects; an IP address among them may be connected to. */
  readonly redirectHosts: readonly string[];
  /** Whether a secret is sent without TLS, which only this machine itself may get. */
  readonly loopbackOnly: boolean;
}

/** How near each network is; a redirect must not lead nearer than the source's own server is. */
const NEARNESS: Readonly<Record<Network, number>> = { public: 0, private: 1, loopback: 2, 'link-local': 3 };

/**
 * Looks names up as Node does, and leaves only addresses that the rules allow. The connection is made to one of
 * these, so a name that resolves to another address a moment later changes nothing.
 * @param resolve Looks a name up.
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
 * Checks the host of a URL that is an IP address, which is not looked up.
 * @throws {PipelineError} SOURCE_REFUSED when the rules don't allow it.
 */
export function requireAllowed(rules: ConnectRules, { hostname }: URL): void {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(address);
  if (family !== 0 && !isAllowed(rules, address)) throw refusal(rules, hostname, [{ address, family }]);
}

function isAllowed(rules: ConnectRules, address: string): boolean {
  const network = networkOf(address);
  if (rules.loopbackOnly) return network === 'loopback';
  if (includes(listOf(rules.allowed), address)) return true;
  if (network === 'link-local') return false;
  const { redirectedFrom } = rules;
  if (redirectedFrom === undefined || NEARNESS[network] <= NEARNESS[redirectedFrom]) return true;
  return includes(namedAddresses(rules.redirectHosts), address);
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
