import { BlockList, isIP } from 'node:net';

/**
 * The kind of network of an address. `link-local` includes the metadata services of cloud providers, which give
 * credentials to any client on the host.
 */
export type Network = 'public' | 'private' | 'loopback' | 'link-local';

type Subnet = readonly [address: string, prefix: number];

const LINK_LOCAL = blockList(
  [
    ['169.254.0.0', 16],
    // Metadata services: Azure, Alibaba Cloud, Oracle Cloud.
    ['168.63.129.16', 32],
    ['100.100.100.200', 32],
    ['192.0.0.192', 32],
  ],
  [
    ['fe80::', 10],
    // The metadata service of AWS.
    ['fd00:ec2::254', 128],
  ],
);

/** Connecting to 0.0.0.0 or :: connects to this host. */
const LOOPBACK = blockList(
  [
    ['127.0.0.0', 8],
    ['0.0.0.0', 8],
  ],
  [['::', 127]],
);

const PRIVATE = blockList(
  [
    ['10.0.0.0', 8],
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
    // Carrier-grade NAT, IETF protocol assignments, benchmarks, multicast, reserved and broadcast.
    ['100.64.0.0', 10],
    ['192.0.0.0', 24],
    ['198.18.0.0', 15],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ],
  [
    // Unique local, site-local (deprecated), local NAT64, multicast.
    ['fc00::', 7],
    ['fec0::', 10],
    ['64:ff9b:1::', 48],
    ['ff00::', 8],
  ],
);

/** Returns the network of an IP address; of the embedded IPv4 address if an IPv6 address has one. */
export function networkOf(address: string): Network {
  const has = (list: BlockList): boolean => hasAddress(list, address);
  if (has(LINK_LOCAL)) return 'link-local';
  if (has(LOOPBACK)) return 'loopback';
  return has(PRIVATE) ? 'private' : 'public';
}

/** Returns whether a list contains an IP address. */
export function hasAddress(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

/**
 * Builds a list of addresses and subnets.
 * @param texts As `10.1.2.3`, `10.0.0.0/8` or `fd00::/8`, validated by {@link isSubnet}.
 */
export function listOf(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', prefix] = text.split('/');
    const bits = isIP(address) === 4 ? 32 : 128;
    list.addSubnet(address, prefix === undefined ? bits : Number(prefix), bits === 32 ? 'ipv4' : 'ipv6');
  }
  return list;
}

function blockList(ipv4: readonly Subnet[], ipv6: readonly Subnet[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of ipv6) list.addSubnet(address, prefix, 'ipv6');
  for (const [address, prefix] of ipv4) {
    // Node applies these rules to IPv4-mapped addresses (::ffff:a.b.c.d) too.
    list.addSubnet(address, prefix, 'ipv4');
    // NAT64 (RFC 6052), IPv4-compatible (RFC 4291, 2.5.5.1) and 6to4 (RFC 3056).
    list.addSubnet(`64:ff9b::${address}`, 96 + prefix, 'ipv6');
    list.addSubnet(`::${address}`, 96 + prefix, 'ipv6');
    list.addSubnet(`2002:${hexGroupsOf(address)}::`, 16 + prefix, 'ipv6');
  }
  return list;
}

/** Formats an IPv4 address as two groups of an IPv6 address. */
function hexGroupsOf(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
