import assert from 'node:assert/strict';
import test from 'node:test';
import { isConfidential, isLoopback, requireConfidential } from '../../model/confidential.ts';

test('only localhost and loopback addresses count as this machine', () => {
  for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '127.8.9.1', '::1', '[::1]', '0:0:0:0:0:0:0:1'])
    assert.ok(isLoopback(host), host);
  const remote = ['127.0.0.1.example.com', 'localhost.example.com', 'kafka', '0.0.0.0', '::', '10.0.0.1', ''];
  for (const host of remote) assert.ok(!isLoopback(host), host);
});

test('a secret is sent over TLS, to this machine, or where the settings allow cleartext', () => {
  assert.ok(isConfidential({ host: 'example.com', tls: true }));
  assert.ok(isConfidential({ host: '127.0.0.1', tls: false }));
  assert.ok(isConfidential({ host: 'example.com', tls: false, allowCleartext: true }));
  assert.ok(!isConfidential({ host: 'example.com', tls: false }));
  const route = { secret: 'the password of kafka.sasl', setting: 'kafka.allowCleartext', tls: false };
  requireConfidential({ ...route, host: 'localhost' });
  assert.throws(
    () => {
      requireConfidential({ ...route, host: 'kafka.example.com' });
    },
    { code: 'SETTINGS_INVALID', message: /the password of kafka\.sasl .*kafka\.example\.com without TLS/ },
  );
});
