import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { RecordSplitter, type RecordFormat } from '../../steps/source/record-splitter.ts';
import { PipelineError } from '../../model/errors.ts';

function split(
  content: Buffer | string,
  format: RecordFormat,
  pieceBytes = 7,
  maxRecordBytes = 10_000,
): string[] {
  const bytes = Buffer.from(content);
  const splitter = new RecordSplitter({ format, maxRecordBytes, subject: 'source test' });
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    // In reused memory, as a stream may do.
    const piece = Buffer.from(bytes.subarray(at, at + pieceBytes));
    records.push(...splitter.push(piece).map((record) => Buffer.from(record)));
    piece.fill(0);
  }
  records.push(...splitter.end());
  return records.map((record) => record.toString('utf8'));
}

function refusal(content: string, format: RecordFormat = 'json-array', code = 'SOURCE_MALFORMED'): string {
  try {
    split(content, format);
  } catch (error) {
    assert(error instanceof PipelineError);
    assert.equal(error.code, code);
    return error.message;
  }
  return assert.fail(`${content} was taken`);
}

test('any JSON values are split from an array unchanged, in chunks of any size', () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue({ maxDepth: 4 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(undefined, 1, '\t'),
      (values, pieceBytes, indent) => {
        const records = split(JSON.stringify(values, null, indent), 'json-array', pieceBytes);
        assert.deepEqual(
          records.map((record) => JSON.parse(record) as unknown),
          values.map((value) => JSON.parse(JSON.stringify(value)) as unknown),
        );
      },
    ),
    { numRuns: 500, seed: 1 },
  );
});

test('any JSON values are split from lines unchanged, in chunks of any size', () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue(), { maxLength: 8 }),
      fc.integer({ min: 1, max: 40 }),
      (values, pieceBytes) => {
        const lines = values.map((value) => JSON.stringify(value));
        assert.deepEqual(split(lines.join('\n'), 'ndjson', pieceBytes), lines);
      },
    ),
    { numRuns: 300, seed: 2 },
  );
});

test('any bytes give records or a named error', () => {
  const soup = fc.array(
    fc.constantFrom('[', ']', '{', '}', ',', '"', '\\', ' ', '\n', 'a', '1', ':', '\u0000', 'é'),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(soup, fc.integer({ min: 1, max: 9 }), (parts, pieceBytes) => {
      try {
        split(parts.join(''), 'json-array', pieceBytes);
      } catch (error) {
        assert(error instanceof PipelineError && ['SOURCE_MALFORMED', 'SOURCE_CUT'].includes(error.code));
      }
    }),
    { numRuns: 2000, seed: 3 },
  );
});

test('an element with invalid JSON is split alone, and its neighbours are unchanged', () => {
  assert.deepEqual(split('[{"a":1},{"b":tru},{"c":[}],3]', 'json-array').slice(0, 2), [
    '{"a":1}',
    '{"b":tru}',
  ]);
});

test('an empty array and an array of white space have no records', () => {
  assert.deepEqual(split('[]', 'json-array'), []);
  assert.deepEqual(split(' [ \n ] \n', 'json-array'), []);
});

test('blank lines between lines are no records', () => {
  assert.deepEqual(split('{"a":1}\r\n\r\n\n{"a":2}\n', 'ndjson'), ['{"a":1}', '{"a":2}']);
});

test('an incomplete JSON array is refused with the position', () => {
  assert.match(refusal('PK'), /does not begin with "\[".*byte 0/);
  assert.match(refusal('  {"a":1}'), /does not begin with "\[".*byte 2/);
  assert.match(refusal('[{"a":1},]'), /comma with no element beside it.*byte 9/);
  assert.match(refusal('[,1]'), /comma with no element beside it.*byte 1/);
  assert.match(refusal('[1] [2]'), /continues after the end of its JSON array.*byte 4/);
  assert.match(refusal('[1}]'), /"}" that closes nothing.*byte 2/);
});

test('a truncated array is reported as cut', () => {
  const whole = ' [{"a":[1,"x\\\\\\""]}, {"b":{}} ]';
  for (let bytes = 0; bytes < whole.length; bytes += 1) {
    const due = bytes < 2 ? 'is empty where a JSON array should begin' : 'ends before its JSON array does';
    const message = refusal(whole.slice(0, bytes), 'json-array', 'SOURCE_CUT');
    assert.equal(message, `the content of source test ${due}; it may have been cut (at byte ${bytes})`);
  }
  assert.equal(split(whole, 'json-array').length, 2);
});

test('a UTF-8 byte order mark is ignored, in chunks of any size', () => {
  for (const pieceBytes of [1, 2, 3, 50]) {
    assert.deepEqual(split('\ufeff[1,2]', 'json-array', pieceBytes), ['1', '2']);
    assert.deepEqual(split('\ufeff{"a":1}\n{"a":2}', 'ndjson', pieceBytes), ['{"a":1}', '{"a":2}']);
  }
});

test('common contents other than JSON are named', () => {
  for (const format of ['json-array', 'ndjson'] as const) {
    assert.match(
      refusal(' <!doctype html>', format),
      /begins with "<", as a web page or XML does \(at byte 1\)/,
    );
    for (const encoding of ['utf16le', 'utf16be'] as const) {
      const bytes = Buffer.from('\ufeff[{"a":1}]', 'utf16le');
      if (encoding === 'utf16be') bytes.swap16();
      assert.throws(() => split(bytes, format), /is not UTF-8; perhaps UTF-16/);
    }
    assert.throws(() => split(Buffer.from('\u0000[', 'latin1'), format), /is not UTF-8; perhaps UTF-16/);
  }
});

test('a record that is too large is refused before it fills the memory', () => {
  const splitter = new RecordSplitter({ format: 'json-array', maxRecordBytes: 100, subject: 'source test' });
  assert.throws(
    () => {
      for (let pieces = 0; pieces < 30; pieces += 1)
        splitter.push(Buffer.from(pieces === 0 ? '["' : 'x'.repeat(10)));
    },
    (error: unknown) => error instanceof PipelineError && error.message.includes('more than 100 bytes'),
  );
});
