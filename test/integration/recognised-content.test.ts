/** Contents that are compressed, of another format, truncated, or without a valid record. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { RunStatus, Waiting } from '../../model/run.ts';
import { ROOT, TestPipeline, eventually, queryStatus, type IngestHandle } from '../support/harness.ts';
import { badAttempts, goodAttempts } from '../support/quarantined.ts';

const FEEDS = join(ROOT, '../shared/cases/feeds');
const skip = existsSync(FEEDS) ? false : `there is no folder ${FEEDS}`;

const FORMATS = ['ndjson', 'json-array'] as const;

const AN_ARRAY = /is one JSON array that spans lines; .*: set the source’s format to json-array/;
const LINES = /has a JSON object in each line; .*: set the source’s format to ndjson/;
const SEVERAL = /has several JSON values, one behind the other/;
const A_SEQUENCE = /is a JSON text sequence/;
const AN_ERROR = /is an error object \(with the member "error"\)/;
const IN_RESULT = /with an array in "result"/;
const A_NEWLINE =
  /is damaged gzip: at byte 327 of the compressed content is neither another member nor padding/;

/** How many attempts land of each content, read as lines and as an array; or what is said of it. */
const RESULTS: Record<string, readonly [number | RegExp, number | RegExp]> = {
  'array-read-as-ndjson.json': [AN_ARRAY, 3],
  'bom-before-a-later-line.ndjson': [4, LINES],
  'brotli.ndjson.br': [50, LINES],
  'error-object-200.json': [AN_ERROR, AN_ERROR],
  'format-corrected-later.json': [AN_ARRAY, 3],
  'gzip-newline-between-members.ndjson.gz': [A_NEWLINE, A_NEWLINE],
  'gzip-twice.ndjson.gz.gz': [300, LINES],
  'gzip-zeros-between-members.ndjson.gz': [4, LINES],
  'json-seq.json': [A_SEQUENCE, A_SEQUENCE],
  'no-newline.json': [SEVERAL, SEVERAL],
  'pretty.json': [/is JSON whose records span lines/, SEVERAL],
  'tar.ndjson.tar.gz': [
    /decompressed from gzip, is a tar archive/,
    /decompressed from gzip, is a tar archive/,
  ],
  'wrapped-result.json': [IN_RESULT, IN_RESULT],
  'zip.ndjson.zip': [/is a zip archive/, /is a zip archive/],
};

/** The name of a source that reads a file. */
function sourceOf(file: string, format: string): string {
  return `${file.replaceAll('.', '-')}-${format}`;
}

/** How a run is once it ends or waits. */
async function settled(run: IngestHandle): Promise<RunStatus> {
  await eventually(
    `${run.workflowId} ends or waits`,
    async () => (await queryStatus(run)).state !== 'running',
    120_000,
  );
  return queryStatus(run);
}

async function waitingOf(run: IngestHandle): Promise<Waiting> {
  const { waiting, state, steps } = await settled(run);
  assert(waiting !== null, `the run is ${state}`);
  assert.equal(steps.publish.recordsIn, 0, 'nothing of it was published');
  return waiting;
}

/** Attempts landed and in quarantine; or the code and message that the run waits for, after which it is aborted. */
async function resultOf(run: IngestHandle): Promise<string> {
  const { state, rows } = await settled(run);
  if (state !== 'waiting') return `${state} ${rows['attempts'] ?? 0} ${rows['quarantine'] ?? 0}`;
  const { code, message } = await waitingOf(run);
  await run.executeUpdate('abort');
  await assert.rejects(run.result());
  return `${code}: ${message}`;
}

describe('contents of other kinds than their source declares', { skip }, () => {
  let pipeline: TestPipeline;

  before(async () => {
    const sources = Object.keys(RESULTS).flatMap((file) =>
      FORMATS.map((format) => [sourceOf(file, format), { url: `file:${file}`, format }] as const),
    );
    pipeline = await TestPipeline.create(Object.fromEntries(sources));
    await pipeline.placeFiles(
      Object.fromEntries(Object.keys(RESULTS).map((file) => [file, readFileSync(join(FEEDS, file))])),
    );
    await pipeline.startWorker();
  });

  after(() => pipeline.close());

  for (const [at, format] of FORMATS.entries()) {
    test(`read as ${format} land completely or are rejected by name, and none is quarantined`, async () => {
      const files = Object.entries(RESULTS);
      const runs = await Promise.all(
        files.map(([file]) => pipeline.start({ source: sourceOf(file, format) })),
      );
      for (const [place, [file, results]] of files.entries()) {
        const [run, due] = [runs[place], results[at]];
        assert(run !== undefined && due !== undefined);
        const found = await resultOf(run);
        if (typeof due === 'number') assert.equal(found, `landed ${due} 0`, file);
        else {
          assert.match(found, /^SOURCE_MALFORMED: /, file);
          assert.match(found, due, file);
        }
      }
    });
  }

  test('are named by the preview too', async () => {
    const zip = await pipeline.command('preview', sourceOf('zip.ndjson.zip', 'ndjson'));
    assert.match(zip.stderr, /is a zip archive/);
    const brotli = await pipeline.command('preview', join(pipeline.folder, 'brotli.ndjson.br'));
    assert.match(brotli.stdout, /50 records would land, 0 would be quarantined/);
  });

  test('pass verify', async () => {
    const { code, stdout, stderr } = await pipeline.command('verify');
    assert.equal(code, 0, stdout + stderr);
  });
});

describe('a server’s contents', () => {
  const lines = goodAttempts(5, 20).map((attempt) => `${JSON.stringify(attempt)}\n`);
  const whole = Buffer.from(lines.join(''));
  const cut = whole.subarray(0, whole.length - 100);
  const array = Buffer.from(`[${lines.join(',')}]`);
  const compressed = { gzip: gzipSync(whole), deflate: deflateSync(whole), br: brotliCompressSync(whole) };
  /** The responses to each path’s requests, in order; the last one repeats. */
  const ANSWERS: Record<string, readonly { content: Buffer; headers?: Record<string, string> }[]> = {
    brotli: [{ content: brotliCompressSync(whole), headers: { 'content-encoding': 'br' } }],
    deflate: [{ content: deflateRawSync(whole), headers: { 'content-encoding': 'deflate' } }],
    both: [{ content: brotliCompressSync(gzipSync(whole)), headers: { 'content-encoding': 'gzip, br' } }],
    unnamed: [{ content: brotliCompressSync(whole) }],
    // Without a length the end of the connection is the end of the content, as in HTTP/1.0.
    cut: [{ content: cut }, { content: whole }],
    short: [{ content: cut, headers: { 'content-length': String(cut.length) } }, { content: whole }],
    array: [{ content: array.subarray(0, -100) }, { content: array }],
    nothing: [{ content: Buffer.alloc(0) }, { content: array }],
    ...Object.fromEntries(
      Object.entries(compressed).map(([name, content]) => [
        `cut-${name}`,
        [{ content: content.subarray(0, -100), headers: { 'content-encoding': name } }, { content }],
      ]),
    ),
    page: [{ content: Buffer.from(JSON.stringify({ items: goodAttempts(6, 3), next: '/page?after=3' })) }],
  };
  const ARRAYS = ['array', 'nothing'];
  const requests = new Map<string, number>();
  let server: Server;
  let pipeline: TestPipeline;

  before(async () => {
    server = createServer((request, response) => {
      const path = request.url?.slice(1) ?? '';
      const count = requests.get(path) ?? 0;
      requests.set(path, count + 1);
      const answers = ANSWERS[path] ?? [];
      const answer = answers[Math.min(count, answers.length - 1)];
      response.shouldKeepAlive = false;
      response.useChunkedEncodingByDefault = false;
      response.writeHead(200, answer?.headers);
      response.end(answer?.content);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    pipeline = await TestPipeline.create(
      Object.fromEntries(
        Object.keys(ANSWERS).map((path) => [
          path,
          { url: `${url}/${path}`, format: ARRAYS.includes(path) ? 'json-array' : 'ndjson' },
        ]),
      ),
    );
    await pipeline.startWorker();
  });

  after(async () => {
    await pipeline.close();
    server.close();
  });

  for (const source of ['brotli', 'deflate', 'both', 'unnamed'] as const) {
    test(`${source}: are decompressed by their Content-Encoding or their first bytes`, async () => {
      assert.equal(await resultOf(await pipeline.start({ source })), 'landed 20 0');
    });
  }

  for (const source of ['cut', 'short', ...ARRAYS, 'cut-gzip', 'cut-deflate', 'cut-br']) {
    test(`${source}: that are truncated are fetched again, and nothing of them is published`, async () => {
      assert.equal(await resultOf(await pipeline.start({ source })), 'landed 20 0');
      assert.equal(requests.get(source), 2);
    });
  }

  test('page: that name a next page are rejected', async () => {
    const found = await resultOf(await pipeline.start({ source: 'page' }));
    assert.match(found, /^SOURCE_PAGED: .* is one page of several: "next" refers to the next page/);
  });
});

describe('a content without a valid record', () => {
  let pipeline: TestPipeline;

  before(async () => {
    pipeline = await TestPipeline.create({
      lines: { url: 'file:lines', format: 'ndjson' },
      array: { url: 'file:array', quarantineLimit: 1 },
      one: { url: 'file:one', format: 'ndjson' },
    });
    const bad = badAttempts(7, 3);
    await pipeline.placeFiles({
      lines: bad.map((attempt) => `${JSON.stringify(attempt)}\n`).join(''),
      array: JSON.stringify(bad),
      one: `${JSON.stringify(bad[0])}\n`,
    });
    await pipeline.startWorker();
  });

  after(() => pipeline.close());

  async function stopped(source: string, records: string): Promise<IngestHandle> {
    const run = await pipeline.start({ source });
    const { step, code, canSkip, message, advice } = await waitingOf(run);
    assert.deepEqual([step, code, canSkip], ['fetch', 'NOTHING_GOOD', true]);
    assert.match(
      message,
      new RegExp(`^source ${source}, as fetched: not one of ${records} is good; .*: \\d × max_attempts`),
    );
    assert.match(advice, /Skip publishes all of it/);
    return run;
  }

  test('makes the run wait for a decision; a retry lands the corrected content', async () => {
    const run = await stopped('one', '1 record');
    await pipeline.placeFiles({ one: `${JSON.stringify(goodAttempts(8, 1)[0])}\n` });
    await run.executeUpdate('retry');
    assert.equal(await resultOf(run), 'landed 1 0');
  });

  test('makes the run wait whatever the limit', async () => {
    const run = await stopped('array', '3 records');
    await run.executeUpdate('abort');
    await assert.rejects(run.result());
  });

  test('is quarantined after a skip, which is recorded', async () => {
    const run = await stopped('lines', '3 records');
    await run.executeUpdate('skip');
    assert.equal(await resultOf(run), 'landed 0 3');
    const { skipped } = await run.result();
    assert.deepEqual(
      skipped.map(({ step, code }) => [step, code]),
      [['fetch', 'NOTHING_GOOD']],
    );
    const { stdout } = await pipeline.command('status', run.workflowId);
    assert.match(stdout, /^went on with no record good at fetch: source lines$/m);
    assert.equal((await (await pipeline.start({ source: 'lines' })).result()).outcome, 'unchanged');
    const verified = await pipeline.command('verify');
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    assert.match(verified.stdout, /^verified: .* 0 skipped/m);
  });
});
