import assert from 'node:assert/strict';
import test from 'node:test';
import { withDuckDb } from '../../adapters/duckdb/database.ts';
import { AttemptScan } from '../../records/scan.ts';
import type { RecordShape, ScalarType, ScalarShape } from '../../records/shape.ts';
import { createRelations } from '../../steps/transform/batch-relations.ts';
import type { StagedMessage } from '../../adapters/staging/staged-messages.ts';

function leaf(type: ScalarType, more: Partial<ScalarShape> = {}): ScalarShape {
  return { kind: 'leaf', type, required: false, ...more };
}

/** Scans records, and returns the rows of a query over their relations as JSON. */
async function query(shape: RecordShape, records: readonly string[], sql: string): Promise<unknown[]> {
  const scan = new AttemptScan([], shape);
  try {
    const messages = records.map((record, at): StagedMessage => {
      const place = { partition: 0, offset: BigInt(at), headers: '[]' };
      assert.ok(scan.tryAdd(Buffer.from(record), { ...place, source: 's', publishedMs: undefined }), record);
      return { ...place, timestampMs: -1, key: null, value: Buffer.from(record) };
    });
    return await withDuckDb({ threads: 1, memoryLimit: '256MB', temporaryFolder: '' }, async (connection) => {
      await createRelations(connection, scan, 't', () => messages);
      return (await connection.runAndReadAll(sql)).getRowObjectsJson();
    });
  } finally {
    scan.release();
  }
}

test('each type is a column of a DuckDB type', async () => {
  const fields = {
    long: leaf('long'),
    double: leaf('double'),
    decimal: leaf('decimal', { digits: { precision: 7, scale: 3 } }),
    date: leaf('date'),
    'two words.and a point': leaf('epoch-millis'),
    json: leaf('json'),
  };
  const records = [
    '{"long":9223372036854775807,"double":0.1,"decimal":-12.5,"date":"1969-12-31","json":[1, {"a":"\\u0062"}]}',
    '{"two words.and a point":1516717442735.2661,"decimal":"1e3"}',
  ];
  const rows = await query(
    { kind: 'object', required: true, fields },
    records,
    `SELECT long, double, decimal::VARCHAR AS decimal, date::VARCHAR AS date, json,
       epoch_us("""two words.and a point""") AS time FROM record ORDER BY kafka_offset`,
  );
  const json = '[1, {"a":"\\u0062"}]';
  assert.deepEqual(rows, [
    { long: '9223372036854775807', double: 0.1, decimal: '-12.500', date: '1969-12-31', json, time: null },
    { long: null, double: null, decimal: '1000.000', date: null, json: null, time: '1516717442735266' },
  ]);
});

test('the rows of lists and maps have the indexes and keys of all that contain them', async () => {
  const shape: RecordShape = {
    kind: 'object',
    required: true,
    fields: {
      scores: {
        kind: 'map',
        required: false,
        item: { kind: 'list', required: false, item: leaf('double') },
      },
    },
  };
  const rows = await query(
    shape,
    ['{"scores":{"a":[0.5,null],"b c":[]}}', '{}', '{"scores":{"a":[7]}}'],
    `SELECT kafka_offset AS o, "scores{}" AS key, "scores{}.value[]" AS position, "scores{}.value[].value" AS score
     FROM "scores{}.value[]" ORDER BY ALL`,
  );
  assert.deepEqual(rows, [
    { o: '0', key: 'a', position: 0, score: 0.5 },
    { o: '0', key: 'a', position: 1, score: null },
    { o: '2', key: 'a', position: 0, score: 7 },
  ]);
});

test('the records of each kind are a relation of its name', async () => {
  const kindOf = (name: string, type: ScalarType) => ({
    name,
    values: [name],
    shape: { kind: 'object', required: true, fields: { type: leaf('text'), value: leaf(type) } } as const,
  });
  const shape: RecordShape = {
    kind: 'match',
    field: 'type',
    kinds: [kindOf('Grade', 'double'), kindOf('Note', 'text')],
  };
  const records = ['{"value":"x","type":"Note"}', '{"type":"Grade","value":0.5}', '{"type":"Note"}'];
  const grades = await query(shape, records, 'SELECT kafka_offset, "Grade.value" AS grade FROM "Grade"');
  assert.deepEqual(grades, [{ kafka_offset: '1', grade: 0.5 }]);
  const notes = await query(
    shape,
    records,
    'SELECT kafka_offset, "Note.value" AS note FROM "Note" ORDER BY 1',
  );
  assert.deepEqual(notes, [
    { kafka_offset: '0', note: 'x' },
    { kafka_offset: '2', note: null },
  ]);
});
