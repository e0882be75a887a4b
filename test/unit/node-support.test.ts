import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { unsupportedNode } from '../../worker/node-support.ts';
import { ROOT } from '../support/harness.ts';

test('a Node version is reported as unsupported from the day after its end of life, with those to use', () => {
  assert.equal(unsupportedNode('v20.20.2', new Date('2026-04-30T23:59:59Z')), undefined);
  const said = unsupportedNode('v20.20.2', new Date('2026-05-01T00:00:00Z'));
  assert.match(said ?? '', /^Node 20 is out of support since 2026-04-30 .*: use 22, 24, 26$/);
  assert.match(unsupportedNode('v22.1.0', new Date('2027-06-01T00:00:00Z')) ?? '', /use 24, 26$/);
  assert.match(unsupportedNode('v26.1.0', new Date('2030-01-01T00:00:00Z')) ?? '', /use a newer one$/);
});

test('a supported or unknown Node version gives no warning', () => {
  const now = new Date('2026-12-01T00:00:00Z');
  for (const version of ['v22.22.0', 'v24.1.0', 'v26.0.0', 'v31.0.0'])
    assert.equal(unsupportedNode(version, now), undefined, version);
});

test('the image has a Node version with years of support', () => {
  const [, version = ''] =
    /^FROM node:(\S+)-bookworm-slim/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')) ?? [];
  assert.equal(unsupportedNode(`v${version}`, new Date('2028-04-30T00:00:00Z')), undefined);
  assert.ok(unsupportedNode(`v${version}`, new Date('2028-05-01T00:00:00Z')));
});
