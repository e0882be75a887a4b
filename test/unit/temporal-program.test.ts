import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { downloadTemporal } from '../../services/temporal-program.ts';

void describe('the download of Temporal', () => {
  let folder: string;
  let archive: Buffer;
  let server: Server | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'temporal-program-'));
    for (const name of ['content', 'scratch', 'release']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'release/temporal'), '#!/bin/sh\necho it runs\n', { mode: 0o755 });
    writeFileSync(join(folder, 'release/LICENSE'), 'of no use');
    const file = join(folder, 'release.tar.gz');
    execFileSync('tar', ['-czf', file, '-C', join(folder, 'release'), 'temporal', 'LICENSE']);
    archive = readFileSync(file);
  });

  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
    rmSync(folder, { recursive: true });
  });

  async function download(answer: RequestListener, sha256 = hashOf(archive)): Promise<void> {
    server = createServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const [content, scratch, log] = ['content', 'scratch', 'log'].map((name) => join(folder, name));
    const url = `http://127.0.0.1:${port}/release.tar.gz`;
    await downloadTemporal({ url, sha256 }, content ?? '', scratch ?? '', log ?? '');
  }

  it('unpacks the program, and nothing else', async () => {
    await download((_, response) => response.end(archive));
    assert.deepEqual(readdirSync(join(folder, 'content')), ['temporal']);
    assert.equal(execFileSync(join(folder, 'content/temporal'), { encoding: 'utf8' }), 'it runs\n');
  });

  it('follows a redirect, as releases have one', async () => {
    await download((request, response) => {
      if (request.url === '/elsewhere') response.end(archive);
      else response.writeHead(302, { location: '/elsewhere' }).end();
    });
    assert.deepEqual(readdirSync(join(folder, 'content')), ['temporal']);
  });

  for (const [what, answer, reason] of [
    ['another content', (_, response) => response.end('another'), /has the SHA-256 .* instead of/],
    ['a refusal', (_, response) => response.writeHead(404).end(), /answered 404/],
    [
      'a part of the archive',
      (_, response) => {
        response.writeHead(200, { 'content-length': archive.length });
        response.write(archive.subarray(0, 10), () => response.destroy());
      },
      /cannot be reached/,
    ],
    ['silence', () => undefined, /sent nothing for 5 s/],
  ] as const satisfies readonly (readonly [string, RequestListener, RegExp])[])
    it(`fails on ${what}, and unpacks nothing`, async () => {
      await assert.rejects(download(answer), reason);
      assert.deepEqual(readdirSync(join(folder, 'content')), []);
    });
});

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
