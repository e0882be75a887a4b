import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { gzipSync } from 'node:zlib';
import { checkSample } from '../../client/preview/check-sample.ts';
import { fileContent, readSample, type SampleRequest } from '../../client/preview/sample.ts';
import { parseSettings } from '../../model/settings.ts';
import { badAttempts, goodAttempts } from '../support/quarantined.ts';

const SETTINGS = parseSettings(
  'sources: { one: { topic: t } }\nlimits: { recordBytes: 20000 }',
  'pipeline.yaml',
);
const NO_END = { records: 1000, bytes: 1 << 20, contentBytes: 1 << 20, recordBytes: 20_000 };

function lines(records: readonly object[]): Buffer[] {
  return records.map((record) => Buffer.from(JSON.stringify(record)));
}

describe('the sample of a content', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'preview-'));
  });

  after(() => rm(folder, { recursive: true }));

  async function file(content: string | Buffer): Promise<SampleRequest> {
    const path = join(folder, 'content');
    await writeFile(path, content);
    return fileContent(path, undefined);
  }

  test('is the whole of a short one, in every format', async () => {
    const array = '\ufeff\n [{"a":1},\n{"a":2}]';
    for (const [format, content] of [
      ['json-array', array],
      ['json-array', gzipSync(array)],
      ['ndjson', ' \n{"a":1}\n{"a":2}'],
    ] as const) {
      const sample = await readSample(await file(content), NO_END);
      assert.deepEqual(sample.records.map(String), ['{"a":1}', '{"a":2}']);
      assert.deepEqual(
        [sample.format, sample.whole, sample.bytes, sample.broken],
        [format, true, 14, undefined],
      );
    }
    const nothing = await readSample(await file(' \n'), NO_END);
    assert.deepEqual([nothing.records, nothing.whole], [[], true]);
  });

  test('ends at its limits, and reads no further', async () => {
    let pieces = 0;
    async function* endless(signal: AbortSignal): AsyncGenerator<Buffer> {
      for (; !signal.aborted; pieces += 1) yield await Promise.resolve(Buffer.from('{"a":1}\n{"a":2}\n'));
    }
    const open: SampleRequest['open'] = (signal) =>
      Promise.resolve({ contentType: undefined, contentEncoding: undefined, bytes: endless(signal) });
    const request: SampleRequest = { subject: 'endless', format: 'ndjson', open };
    const few = await readSample(request, { ...NO_END, records: 3, bytes: 1000 });
    assert.deepEqual([few.records.length, few.whole, pieces], [3, false, 1]);
    const small = await readSample(request, { ...NO_END, bytes: 30 });
    assert.deepEqual([small.records.length, small.bytes, small.whole], [5, 35, false]);
  });

  test('has the records before the content broke off, and the reason', async () => {
    const sample = await readSample(await file('[{"a":1},{"a":2},{"a"'), NO_END);
    assert.deepEqual([sample.records.length, sample.whole, sample.broken?.code], [2, false, 'SOURCE_CUT']);
  });

  test('is empty where nothing can be read', async () => {
    await assert.rejects(readSample(await file('<html>'), { ...NO_END }), { code: 'SOURCE_MALFORMED' });
    const missing = fileContent(join(folder, 'missing'), undefined);
    await assert.rejects(readSample(missing, NO_END), { code: 'SOURCE_REFUSED', message: /missing: ENOENT/ });
  });
});

describe('the preview of records', () => {
  test('shows tables and columns, and the reasons of quarantined records', async () => {
    const good = goodAttempts(1, 6);
    const large = { ...good[0], comment: 'x'.repeat(20_000) };
    const surprising = { ...good[1], colour: 'red' };
    const records = [...good, ...badAttempts(2, 3), large, surprising];
    const judged = await checkSample(SETTINGS, 'one', [...lines(records), Buffer.from('no JSON')]);
    assert.deepEqual([judged.landed, judged.quarantined, judged.bad], [7, 5, [6, 7, 8, 9, 11]]);
    assert.deepEqual(judged.unknown, {
      unknownFields: { colour: 1 },
      otherUnknownFields: { paths: 0, fields: 0 },
    });
    assert.deepEqual(
      judged.reasons.named.map(({ step, path, reason, count }) => [step, path, reason, count]),
      [
        ['transform', 'max_attempts', 'must be a whole number of 32 bits, is another text', 3],
        ['publish', '', 'has … bytes, more than the 20000 that a record may have', 1],
        ['transform', '', 'is not JSON', 1],
      ],
    );
    assert.deepEqual(
      judged.tables.map(({ table }) => table),
      ['attempts', 'questions', 'options', 'deliveries'],
    );
    const [attempts] = judged.tables;
    assert.equal(attempts?.rows, 7);
    const exam = attempts.columns.find(({ name }) => name === 'exam_name');
    assert.deepEqual([exam?.type, exam?.values], ['string', 7]);
    assert.equal(exam?.example, (good[0] as { exam_name: string }).exam_name);
    assert.ok(attempts.columns.every(({ name }) => !name.startsWith('kafka_')));
  });

  test('works without records', async () => {
    const judged = await checkSample(SETTINGS, 'one', []);
    assert.deepEqual([judged.landed, judged.quarantined, judged.bad], [0, 0, []]);
    assert.ok(
      judged.tables.every(({ rows, columns }) => rows === 0 && columns.every(({ values }) => values === 0)),
    );
  });
});
