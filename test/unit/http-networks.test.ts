import assert from 'node:assert/strict';
import type { LookupAddress, lookup } from 'node:dns';
import test, { describe } from 'node:test';
import { guardedLookup, requireAllowed, type ConnectRules } from '../../adapters/http/connect.ts';
import { networkOf, type Network } from '../../adapters/http/networks.ts';
import { PipelineError } from '../../model/errors.ts';

const OWN: ConnectRules = {
  subject: 'source test',
  allowed: [],
  redirectedFrom: undefined,
  redirectHosts: [],
  loopbackOnly: false,
};

const NETWORKS: Record<Network, readonly string[]> = {
  public: ['1.1.1.1', '172.15.0.1', '172.32.0.1', '2606:4700::1111', '::ffff:1.1.1.1', '2002:101:101::1'],
  private: [
    ...[
      '10.0.0.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '100.64.0.1',
      '224.0.0.1',
      '255.255.255.255',
    ],
    ...['fc00::1', 'fd12:3456::1', '::ffff:10.0.0.1', '::ffff:a00:1', '64:ff9b::10.0.0.1', '2002:a00:1::1'],
  ],
  loopback: [
    ...['127.0.0.1', '127.9.9.9', '0.0.0.0', '0.1.2.3', '::1', '::', '::ffff:127.0.0.1', '::127.0.0.1'],
    ...['64:ff9b::7f00:1', '2002:7f00:1::'],
  ],
  'link-local': [
    ...['169.254.0.1', '169.254.169.254', 'fe80::1', 'febf::1', 'fe80::1%eth0', '::ffff:169.254.169.254'],
    ...['64:ff9b::a9fe:a9fe', 'fd00:ec2::254', '100.100.100.200', '168.63.129.16'],
  ],
};

test('an address is matched with its network in every notation', () => {
  for (const [network, addresses] of Object.entries(NETWORKS))
    for (const address of addresses) assert.equal(networkOf(address), network, address);
});

/** Returns the addresses that a name may connect to, where it resolves to these; or why none is allowed. */
function connected(rules: Partial<ConnectRules>, ...resolved: readonly string[]): string[] {
  const found: LookupAddress[] = resolved.map((address) => ({
    address,
    family: address.includes(':') ? 6 : 4,
  }));
  const resolve = ((_: string, __: object, callback: (error: null, addresses: LookupAddress[]) => void) => {
    callback(null, found);
  }) as typeof lookup;
  let allowed: string[] = [];
  guardedLookup({ ...OWN, ...rules }, resolve)('files.example.com', { all: true }, (error, addresses) => {
    if (error instanceof PipelineError) allowed = [`${error.code}: ${error.message}`];
    else if (Array.isArray(addresses)) allowed = addresses.map(({ address }) => address);
  });
  return allowed;
}

function isAllowed(rules: Partial<ConnectRules>, url: string): boolean {
  try {
    requireAllowed({ ...OWN, ...rules }, new URL(url));
    return true;
  } catch (error) {
    assert(error instanceof PipelineError && error.code === 'SOURCE_REFUSED');
    return false;
  }
}

describe('a source’s own url', () => {
  test('may be any address but a link-local one, unless the settings allow it', () => {
    for (const address of ['1.1.1.1', '10.0.0.1', '127.0.0.1', '::1', 'fd00::1'])
      assert.deepEqual(connected({}, address), [address]);
    assert.match(
      connected({}, '169.254.169.254')[0] ?? '',
      /^SOURCE_REFUSED: source test: a link-local address is refused: files\.example\.com is 169\.254\.169\.254/,
    );
    assert.deepEqual(connected({ allowed: ['169.254.0.0/16'] }, '169.254.169.254'), ['169.254.169.254']);
    assert.deepEqual(connected({ allowed: ['fe80::/10'] }, 'fe80::1', '169.254.0.1'), ['fe80::1']);
  });

  test('with a link-local address is refused in every notation', () => {
    for (const host of [
      '169.254.169.254',
      '2852039166',
      '0xa9fea9fe',
      '0251.0376.0251.0376',
      '169.254.43518',
    ])
      assert.ok(!isAllowed({}, `http://${host}/`), host);
    for (const host of [
      '[::ffff:169.254.169.254]',
      '[::ffff:a9fe:a9fe]',
      '[fe80::1]',
      '[64:ff9b::a9fe:a9fe]',
    ])
      assert.ok(!isAllowed({}, `http://${host}/`), host);
    assert.ok(isAllowed({ allowed: ['169.254.169.254'] }, 'http://0xa9fea9fe/'));
    assert.ok(isAllowed({}, 'http://10.0.0.1/') && isAllowed({}, 'http://files.example.com/'));
  });
});

describe('a redirect', () => {
  test('is refused to a more private network than the source’s own, by its resolved address', () => {
    const from = (redirectedFrom: Network): Partial<ConnectRules> => ({ redirectedFrom });
    assert.deepEqual(connected(from('public'), '1.1.1.1', '10.0.0.1', '::1'), ['1.1.1.1']);
    assert.deepEqual(connected(from('private'), '10.0.0.1', '127.0.0.1'), ['10.0.0.1']);
    assert.deepEqual(connected(from('loopback'), '10.0.0.1', '127.0.0.1'), ['10.0.0.1', '127.0.0.1']);
    assert.match(
      connected(from('public'), '10.0.0.1')[0] ?? '',
      /^SOURCE_REFUSED: .* redirects to an address nearer than its own, which is public: files\.example\.com is 10\.0/,
    );
    for (const network of ['public', 'private', 'loopback', 'link-local'] as const)
      assert.match(connected(from(network), '169.254.169.254')[0] ?? '', /^SOURCE_REFUSED: /);
  });

  test('is followed to a private address that the settings name, but to a link-local one only by allowAddresses', () => {
    const named = {
      redirectedFrom: 'public',
      redirectHosts: ['10.0.0.1:8080', '[fd00::1]', '169.254.1.1'],
    } as const;
    assert.ok(isAllowed(named, 'http://10.0.0.1:8080/') && isAllowed(named, 'http://[fd00::1]/'));
    assert.ok(!isAllowed(named, 'http://10.0.0.2/') && !isAllowed(named, 'http://169.254.1.1/'));
    const allowed = { redirectedFrom: 'public', allowed: ['10.1.0.0/16', '169.254.1.1'] } as const;
    assert.deepEqual(connected(allowed, '10.1.2.3', '10.2.0.1'), ['10.1.2.3']);
    assert.ok(isAllowed(allowed, 'http://169.254.1.1/'));
  });
});

test('a token without TLS is sent only to this host, whatever localhost resolves to', () => {
  assert.deepEqual(connected({ loopbackOnly: true }, '10.0.0.1', '127.0.0.1'), ['127.0.0.1']);
  assert.match(
    connected({ loopbackOnly: true, allowed: ['10.0.0.0/8'] }, '10.0.0.1')[0] ?? '',
    /^SOURCE_REFUSED: source test: the token would be sent without TLS to another host: /,
  );
});
