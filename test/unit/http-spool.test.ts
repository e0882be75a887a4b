import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import test, { describe } from 'node:test';
import { CUT, DATED, NEW, OLD, REST, STRONG, TestDownloads } from '../support/downloads.ts';
import { answer, cutAnswer } from '../support/scripted-server.ts';

const downloads = TestDownloads.ofFile();
const { server } = downloads;

describe('a download that redirects to another address after a cut', () => {
  /** Makes two attempts, each of which is redirected first. */
  function redirected(first: string, second: string, headers: OutgoingHttpHeaders): Promise<string> {
    const location = (to: string): OutgoingHttpHeaders => ({ location: to, 'content-length': 0 });
    server.script(
      answer(302, location(first)),
      cutAnswer(200, headers, OLD.slice(0, CUT)),
      answer(302, location(second)),
      (response, request) => {
        const isRest = request.headers.range !== undefined;
        const rest = {
          etag: headers.etag,
          'last-modified': headers['last-modified'],
          'content-range': REST,
        };
        const defined = Object.entries(rest).filter(([, value]) => value !== undefined);
        response.writeHead(isRest ? 206 : 200, isRest ? Object.fromEntries(defined) : headers);
        response.end(isRest ? NEW.slice(CUT) : NEW);
      },
    );
    return downloads.fetchAll();
  }

  test('of another path is another content, whatever its validator', async () => {
    assert.equal(await redirected('/one', '/two', STRONG), NEW);
  });

  test('of another query is another content, unless a strong ETag says that it is the same', async () => {
    assert.equal(await redirected('/file?export=1', '/file?export=2', DATED), NEW);
    await downloads.forget();
    const mixed = `${OLD.slice(0, CUT)}${NEW.slice(CUT)}`;
    assert.equal(await redirected('/file?signature=1', '/file?signature=2', STRONG), mixed);
  });

  test('of the same address is resumed', async () => {
    const mixed = `${OLD.slice(0, CUT)}${NEW.slice(CUT)}`;
    assert.equal(await redirected('/file?export=1', '/file?export=1', DATED), mixed);
  });
});

describe('the spool for the next attempt', () => {
  test('includes the first response’s metadata, which the rest need not repeat', async () => {
    const said = { 'content-type': 'application/x-ndjson', 'x-total-count': '9' };
    server.script(
      cutAnswer(200, { ...STRONG, ...said }, OLD.slice(0, CUT)),
      answer(206, { etag: '"a"', 'content-range': REST }, OLD.slice(CUT)),
    );
    await assert.rejects(downloads.fetchAll(1));
    const { contentType, totalRecords } = await downloads.open();
    assert.deepEqual([contentType, totalRecords], ['application/x-ndjson', 9]);
  });

  test('is one file with the response’s metadata, and no address in clear', async () => {
    server.script(cutAnswer(200, STRONG, OLD.slice(0, CUT)));
    await assert.rejects(downloads.fetchAll(1));
    const kept = await readFile(downloads.spool, 'utf8');
    assert.match(kept, /^\{"validator":"\\"a\\"".*\}\no{400}$/);
    assert.doesNotMatch(kept, /127\.0\.0\.1|attempts/);
  });

  test('is not written by an attempt that timed out, once another has restarted', async () => {
    server.script(
      (response) => {
        response.writeHead(200, STRONG).write(OLD.slice(0, CUT));
      },
      answer(200, { etag: '"b"', 'content-length': 1000 }, NEW),
    );
    const dead = (await downloads.open()).bytes[Symbol.asyncIterator]();
    await dead.next();
    const file = downloads.spool;
    const { ino } = await stat(file);
    await downloads.fetchAll(1);
    assert.notEqual((await stat(file)).ino, ino);
    await dead.return?.();
    assert.match(await readFile(file, 'utf8'), /\nn{1000}$/);
  });

  test('is left alone where it is damaged', async () => {
    for (const damaged of ['', 'x', 'x\n', '{}\nabc', '{"address":1}\nabc']) {
      await writeFile(downloads.spool, damaged);
      server.script(answer(200, STRONG, OLD));
      assert.equal(await downloads.fetchAll(1), OLD);
      assert.deepEqual(downloads.ranges(), [[undefined, undefined]]);
    }
  });
});
