import assert from 'node:assert/strict';
import test from 'node:test';
import { PipelineError } from '../../model/errors.ts';
import { parseSettings } from '../../model/settings.ts';

/** Returns the error by which a source is refused; `none` when it is valid. */
function faultOf(source: Record<string, unknown>): string {
  try {
    parseSettings(JSON.stringify({ sources: { pearson: { topic: 't', ...source } } }), 'pipeline.yaml');
    return 'none';
  } catch (error) {
    assert(error instanceof PipelineError && error.code === 'SETTINGS_INVALID');
    return error.message;
  }
}

test('a url with a user or a password is refused, and they are not shown', () => {
  for (const login of ['user:a-secret', ':a-secret', 'a-secret', 'user%40x:a-secret']) {
    const said = faultOf({ url: `https://${login}@customer.example/attempts` });
    assert.match(
      said,
      /sources\.pearson\.url: .*must hold no user or password: a token is named by tokenVariable/,
      login,
    );
    assert.doesNotMatch(said, /a-secret/);
  }
  assert.equal(faultOf({ url: 'https://customer.example/a:b@c?mail=a@b' }), 'none');
});

test('a token requires TLS or this host, unless allowCleartext is set', () => {
  const tokenVariable = 'A_TOKEN';
  const cleartext = { tokenVariable, url: 'http://customer.example/attempts' };
  assert.match(
    faultOf(cleartext),
    /sources\.pearson\.tokenVariable: .*the token would be sent to customer\.example without TLS.*sources\.NAME\.allowCleartext: true/,
  );
  assert.equal(faultOf({ ...cleartext, allowCleartext: true }), 'none');
  assert.match(faultOf({ ...cleartext, allowCleartext: false }), /without TLS/);
  assert.equal(faultOf({ url: cleartext.url }), 'none');
  for (const url of [
    'https://customer.example/',
    'http://127.0.0.1:8300/',
    'http://[::1]/',
    'http://localhost/',
    'file:a',
  ])
    assert.equal(faultOf({ tokenVariable, url }), 'none', url);
});

test('allowed addresses are addresses or subnets, and redirect hosts can be IPv6', () => {
  for (const right of ['169.254.1.1', '10.0.0.0/8', 'fd00::/8', '::1', '0.0.0.0/0', '::/0'])
    assert.equal(faultOf({ allowAddresses: [right] }), 'none', right);
  for (const wrong of [
    'localhost',
    '10.0.0.0/33',
    '10.0.0/8',
    'fe80::1%eth0',
    '::/129',
    '10.0.0.0/',
    '',
    '1.2.3.4/a',
  ])
    assert.match(faultOf({ allowAddresses: [wrong] }), /must be an IP address or a subnet/, wrong);
  assert.equal(faultOf({ redirectHosts: ['[fd00::1]:8443', '[::1]', 'files.example.com:81'] }), 'none');
});
