import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { findUsedPort, freePorts, LOOPBACK_HOST } from '../../services/ports.ts';
import { javaVersion } from '../../services/tools.ts';

describe('ports', () => {
  it('that are free are distinct and unused', async () => {
    const ports = Object.values(await freePorts()).flatMap((uses) => Object.values<number>(uses));
    assert.equal(new Set(ports).size, ports.length);
    assert.equal(await findUsedPort(ports), undefined);
  });

  it('in use are named', async () => {
    const server = createServer();
    const { grpc, ui } = (await freePorts()).temporal;
    await new Promise<void>((resolve) => server.listen(ui, LOOPBACK_HOST, resolve));
    try {
      assert.equal(await findUsedPort([grpc, ui]), ui);
    } finally {
      server.close();
    }
  });
});

describe('Java’s version', () => {
  it('is parsed from the output of Java, old and new', () => {
    assert.equal(javaVersion('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime…'), 17);
    assert.equal(javaVersion('openjdk version "21" 2023-09-19'), 21);
    assert.equal(javaVersion('java version "1.8.0_402"'), 8);
    assert.equal(javaVersion('command not found'), undefined);
  });
});
