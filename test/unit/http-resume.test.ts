import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import test, { describe } from 'node:test';
import { CUT, DATED, LONG_AGO, NEW, NOON, OLD, REST, STRONG, TestDownloads } from '../support/downloads.ts';
import { codeOf } from '../support/harness.ts';
import { answer, cutAnswer, type ScriptedServer } from '../support/scripted-server.ts';

const LATER = 'Mon, 05 Jan 2026 09:00:00 GMT';

const downloads = TestDownloads.ofFile();
const { server } = downloads;

const ALL = [undefined, undefined] as const;

describe('the rest of an interrupted content', () => {
  const same: Record<string, { first: OutgoingHttpHeaders; rest: OutgoingHttpHeaders; by: string }> = {
    'a strong ETag': { first: STRONG, rest: { etag: '"a"', 'content-length': 600 }, by: '"a"' },
    'a strong ETag and a rest of unknown length': { first: STRONG, rest: { etag: '"a"' }, by: '"a"' },
    'a strong ETag and a beginning of unknown length': {
      first: { etag: '"a"' },
      rest: { etag: '"a"' },
      by: '"a"',
    },
    'a strong ETag, beside which the rest has no date': {
      first: { ...STRONG, ...DATED },
      rest: { etag: '"a"' },
      by: '"a"',
    },
    'a date long before the answer': { first: DATED, rest: { 'last-modified': LONG_AGO }, by: LONG_AGO },
  };
  for (const [how, { first, rest, by }] of Object.entries(same)) {
    test(`is requested by ${how}`, async () => {
      server.script(
        cutAnswer(200, first, OLD.slice(0, CUT)),
        answer(206, { ...rest, 'content-range': REST }, OLD.slice(CUT)),
      );
      assert.equal(await downloads.fetchAll(), OLD);
      assert.deepEqual(downloads.ranges(), [ALL, [`bytes=${CUT}-`, by]]);
    });
  }

  const unsure: Record<string, OutgoingHttpHeaders> = {
    'a weak ETag': { etag: 'W/"a"' },
    'a weak ETag and a date': { ...DATED, etag: 'W/"a"' },
    'an ETag without quotes and a date': { ...DATED, etag: 'a' },
    'a date of the same second': { 'last-modified': NOON, date: NOON },
    'a date in the future': { 'last-modified': LATER, date: LONG_AGO },
    'a date so near that two clocks can differ by it': {
      'last-modified': 'Mon, 05 Jan 2026 11:59:30 GMT',
      date: NOON,
    },
    'an invalid date': { 'last-modified': 'yesterday', date: NOON },
    'no word of when it changed': {},
  };
  for (const [how, headers] of Object.entries(unsure)) {
    test(`is not requested by ${how}: the whole is`, async () => {
      const first = { 'content-length': 1000, ...headers };
      server.script(cutAnswer(200, first, OLD.slice(0, CUT)), answer(200, first, NEW));
      assert.equal(await downloads.fetchAll(), NEW);
      assert.deepEqual(downloads.ranges(), [ALL, ALL]);
    });
  }

  test('is not requested by Last-Modified where the response has no Date', async () => {
    const undated =
      (body: string): Parameters<ScriptedServer['script']>[0] =>
      (response) => {
        response.sendDate = false;
        response.writeHead(200, { 'last-modified': LONG_AGO, 'content-length': 1000 });
        response.write(body, () => response.socket?.destroySoon());
      };
    server.script(undated(OLD.slice(0, CUT)), undated(NEW));
    assert.equal(await downloads.fetchAll(), NEW);
    assert.deepEqual(downloads.ranges(), [ALL, ALL]);
  });
});

describe('a rest of another content', () => {
  const part = { 'content-range': REST };
  const gzip = { 'content-encoding': 'gzip' };
  const differences: Record<string, { first?: OutgoingHttpHeaders; rest: OutgoingHttpHeaders }> = {
    'another ETag': { rest: { ...part, etag: '"b"' } },
    'the same ETag, now weak': { rest: { ...part, etag: 'W/"a"' } },
    'no ETag': { rest: part },
    'an ETag where there was none': {
      first: DATED,
      rest: { ...part, etag: '"b"', 'last-modified': LONG_AGO },
    },
    'another date beside the same ETag': {
      first: { ...STRONG, ...DATED },
      rest: { ...part, etag: '"a"', 'last-modified': LATER },
    },
    'another date': { first: DATED, rest: { ...part, 'last-modified': LATER } },
    'no date': { first: DATED, rest: part },
    'a shorter length': { first: { etag: '"a"', 'content-length': 1200 }, rest: { ...part, etag: '"a"' } },
    'a longer length': { rest: { etag: '"a"', 'content-range': `bytes ${CUT}-999/1200` } },
    'no length': { rest: { etag: '"a"', 'content-range': `bytes ${CUT}-999/*` } },
    'an earlier beginning': { rest: { etag: '"a"', 'content-range': 'bytes 0-999/1000' } },
    'a later beginning': { rest: { etag: '"a"', 'content-range': 'bytes 500-999/1000' } },
    'an end past the length': { rest: { etag: '"a"', 'content-range': `bytes ${CUT}-1000/1000` } },
    'another coding': {
      first: { ...STRONG, ...gzip },
      rest: { ...part, etag: '"a"', 'content-encoding': 'br' },
    },
    'no coding where there was one': { first: { ...STRONG, ...gzip }, rest: { ...part, etag: '"a"' } },
    'a coding where there was none': { rest: { ...part, etag: '"a"', ...gzip } },
    'no Content-Range': { rest: { etag: '"a"' } },
    'a Content-Range in other units': { rest: { etag: '"a"', 'content-range': 'items 400-999/1000' } },
    'several parts': { rest: { etag: '"a"', 'content-type': 'multipart/byteranges; boundary=x' } },
  };
  for (const [how, { first = STRONG, rest }] of Object.entries(differences)) {
    test(`with ${how} is not mixed with the beginning`, async () => {
      server.script(
        cutAnswer(200, first, OLD.slice(0, CUT)),
        answer(206, rest, NEW.slice(CUT)),
        answer(200, { etag: '"b"', 'content-length': 1000 }, NEW),
      );
      assert.equal(await downloads.fetchAll(), NEW);
      assert.deepEqual(
        downloads.ranges().map(([range]) => range),
        [undefined, `bytes=${CUT}-`, undefined],
      );
    });
  }

  test('is detected where the whole content comes, whose ETag the next Range request uses', async () => {
    server.script(
      cutAnswer(200, STRONG, OLD.slice(0, CUT)),
      cutAnswer(200, { etag: '"b"', 'content-length': 1000 }, NEW.slice(0, 700)),
      answer(206, { etag: '"b"', 'content-range': 'bytes 700-999/1000' }, NEW.slice(700)),
    );
    assert.equal(await downloads.fetchAll(), NEW);
    assert.deepEqual(downloads.ranges(), [ALL, [`bytes=${CUT}-`, '"a"'], ['bytes=700-', '"b"']]);
  });

  test('is not requested by an outdated ETag, once a response has none', async () => {
    server.script(
      cutAnswer(200, STRONG, OLD.slice(0, CUT)),
      cutAnswer(200, { 'content-length': 1000 }, NEW.slice(0, 700)),
      answer(200, STRONG, OLD),
    );
    assert.equal(await downloads.fetchAll(), OLD);
    assert.deepEqual(downloads.ranges(), [ALL, [`bytes=${CUT}-`, '"a"'], ALL]);
  });

  test('is requested as a whole where the range is not satisfiable any more', async () => {
    server.script(
      cutAnswer(200, STRONG, OLD.slice(0, CUT)),
      answer(416, { 'content-range': 'bytes */100' }),
      answer(200, { etag: '"b"' }, NEW.slice(0, 100)),
    );
    assert.equal(await downloads.fetchAll(), NEW.slice(0, 100));
  });
});

describe('a partial response with another length than declared', () => {
  test('that is shorter is interrupted, and the next attempt resumes', async () => {
    server.script(
      cutAnswer(200, STRONG, OLD.slice(0, CUT)),
      answer(206, { etag: '"a"', 'content-range': REST }, OLD.slice(CUT, 700)),
      answer(206, { etag: '"a"', 'content-range': 'bytes 700-999/1000' }, OLD.slice(700)),
    );
    assert.equal(await downloads.fetchAll(), OLD);
    assert.deepEqual(downloads.ranges()[2], ['bytes=700-', '"a"']);
  });

  test('that is less than the rest is continued', async () => {
    server.script(
      cutAnswer(200, STRONG, OLD.slice(0, CUT)),
      answer(206, { etag: '"a"', 'content-range': `bytes ${CUT}-699/1000` }, OLD.slice(CUT, 700)),
      answer(206, { etag: '"a"', 'content-range': 'bytes 700-999/1000' }, OLD.slice(700)),
    );
    assert.equal(await downloads.fetchAll(), OLD);
  });

  test('that is longer is refused, and the whole is requested', async () => {
    server.script(
      cutAnswer(200, STRONG, OLD.slice(0, CUT)),
      answer(206, { etag: '"a"', 'content-range': REST }, `${OLD.slice(CUT)}more`),
      answer(200, STRONG, NEW),
    );
    const { bytes } = await downloads.open();
    await assert.rejects(text(bytes));
    assert.match(
      await codeOf(downloads.open().then((content) => text(content.bytes))),
      /promised 600 bytes and sent more$/,
    );
    assert.equal(await downloads.fetchAll(), NEW);
  });

  test('that was not requested is refused', async () => {
    server.script(answer(206, { etag: '"a"', 'content-range': REST }, OLD.slice(CUT)));
    assert.match(
      await codeOf(downloads.open()),
      /^SOURCE_UNREACHABLE: source test: the server answered 206, a part/,
    );
  });
});
