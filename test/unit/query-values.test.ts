import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import test from 'node:test';
import { withDuckDb } from '../../adapters/duckdb/database.ts';
import { toJson } from '../../client/query/values.ts';

const OPTIONS = { threads: 1, memoryLimit: '256MB', temporaryFolder: tmpdir() };

const CASES: readonly { readonly sql: string; readonly json: unknown }[] = [
  { sql: '9007199254740991::BIGINT', json: 9007199254740991 },
  { sql: '9007199254740993::BIGINT', json: '9007199254740993' },
  {
    sql: '-170141183460469231731687303715884105727::HUGEINT',
    json: '-170141183460469231731687303715884105727',
  },
  { sql: '10.25::DECIMAL(10, 3)', json: 10.25 },
  { sql: '-0.001::DECIMAL(10, 3)', json: -0.001 },
  { sql: '0::DECIMAL(10, 3)', json: 0 },
  { sql: '12345678901234567.89::DECIMAL(30, 2)', json: '12345678901234567.89' },
  { sql: '0.1::DOUBLE', json: 0.1 },
  { sql: "'nan'::DOUBLE", json: 'NaN' },
  { sql: "TIMESTAMPTZ '2018-01-28 20:17:53.796+01'", json: '2018-01-28T19:17:53.796Z' },
  { sql: "TIMESTAMPTZ '2018-01-28 19:17:53.796123+00'", json: '2018-01-28T19:17:53.796123Z' },
  { sql: "TIMESTAMPTZ '1969-12-31 23:59:59.999999+00'", json: '1969-12-31T23:59:59.999999Z' },
  { sql: "TIMESTAMP '2018-01-28 19:17:53'", json: '2018-01-28T19:17:53.000' },
  { sql: "'infinity'::TIMESTAMPTZ", json: 'infinity' },
  { sql: "DATE '2018-01-28'", json: '2018-01-28' },
  { sql: '[1, NULL, 3]::BIGINT[]', json: [1, null, 3] },
  {
    sql: "{t: TIMESTAMPTZ '2018-01-28 00:00:00+00', n: 1::BIGINT}",
    json: { t: '2018-01-28T00:00:00.000Z', n: 1 },
  },
  { sql: "'ab\\x00'::BLOB", json: 'ab\\x00' },
  // A leading U+FEFF belongs to the value; the first is inlined in DuckDB's vector, the second is not.
  { sql: "chr(65279) || 'a'", json: '\ufeffa' },
  { sql: "chr(65279) || 'twelve bytes and more'", json: '\ufefftwelve bytes and more' },
  { sql: "[chr(65279), {t: chr(65279) || 'b'}.t]", json: ['\ufeff', '\ufeffb'] },
  { sql: "MAP {chr(65279) || 'k': chr(65279)}", json: [{ key: '\ufeffk', value: '\ufeff' }] },
  { sql: "(chr(65279) || 'e')::ENUM('\ufeffe')", json: '\ufeffe' },
  { sql: 'true', json: true },
  { sql: 'NULL', json: null },
];

test('values of DuckDB become JSON that parses without loss', async () => {
  await withDuckDb(OPTIONS, async (connection) => {
    for (const { sql, json } of CASES) {
      const result = await connection.run(`SELECT ${sql}`);
      const [[value]] = (await result.convertRows(toJson)) as [[unknown]];
      assert.deepEqual(value, json, sql);
    }
  });
});
