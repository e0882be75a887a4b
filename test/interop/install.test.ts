import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { installReaders, interopSkipReason } from './install.ts';

test('Spark and delta-rs can be installed on this machine', { skip: interopSkipReason() }, async () => {
  const { python, jars } = await installReaders();
  assert.ok(existsSync(python), python);
  assert.ok(
    readdirSync(jars).some((name) => name.startsWith('delta-spark')),
    jars,
  );
});
