import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import test from 'node:test';
import { withDuckDb } from '../../adapters/duckdb/database.ts';
import { checkReplays, type ReplayCounts } from '../../client/verify/replays.ts';
import type { Marker } from '../../adapters/kafka/markers.ts';
import type { VerifyFinding, Note } from '../../client/verify/findings.ts';

/** Rows by which replays are checked: the message at 1 of partition 0 was replayed, and landed at 7. */
const TABLES = `
  CREATE TABLE deliveries (kafka_topic VARCHAR, kafka_partition INTEGER, kafka_offset BIGINT, headers VARCHAR, payload VARCHAR);
  CREATE TABLE quarantine (
    kafka_topic VARCHAR, kafka_partition INTEGER, kafka_offset BIGINT, headers VARCHAR, chunk VARCHAR,
    chunk_position BIGINT, payload BLOB);
  CREATE TABLE replays (
    kafka_topic VARCHAR, kafka_partition INTEGER, kafka_offset BIGINT, chunk VARCHAR, chunk_position BIGINT,
    replay_of VARCHAR, replay_partition INTEGER, replay_offset BIGINT);
  INSERT INTO quarantine VALUES ('t', 0, 1, '[]', NULL, NULL, encode('{"ä":1}'));
  INSERT INTO deliveries VALUES ('t', 0, 7, '[{"key":"replay-of","value":"t/0/1"}]', '{"ä":1}');
  INSERT INTO replays VALUES ('t', 0, 1, NULL, NULL, 't/0/1', 0, 7)`;

/** A marker in Kafka for a replay at this offset of partition 0. */
function markerAt(offset: bigint): Marker {
  return new Map([[0, { first: offset, end: offset + 1n, producerId: 1n }]]);
}

async function judged(
  damage: string,
  marker: Marker = markerAt(7n),
): Promise<{ report: ReplayCounts; findings: VerifyFinding[]; notes: Note[] }> {
  const options = { threads: 1, memoryLimit: '256MB', temporaryFolder: tmpdir() };
  return withDuckDb(options, async (connection) => {
    await connection.run(`${TABLES}; ${damage}`);
    return checkReplays(connection, (topic, sets) => {
      assert.deepEqual([topic, sets], ['t', ['replay/t/0/1']]);
      return Promise.resolve(new Map([['replay/t/0/1', marker]]));
    });
  });
}

test('a replay that landed unchanged has no findings', async () => {
  const { report, findings } = await judged('');
  assert.deepEqual(findings, []);
  assert.deepEqual(report, { marked: 1, landed: 1, quarantinedAgain: 0, ahead: 0 });
});

test('a replay that has not landed yet is reported as such', async () => {
  const { report, findings } = await judged('DELETE FROM deliveries');
  assert.deepEqual(findings, []);
  assert.equal(report.ahead, 1);
});

const DAMAGE: readonly [code: string, damage: string][] = [
  ['REPLAY_WITHOUT_ORIGINAL', 'DELETE FROM quarantine'],
  ['REPLAY_MARKED_TWICE', 'INSERT INTO replays SELECT * FROM replays'],
  ['REPLAY_UNLIKE', `UPDATE deliveries SET headers = '[{"key":"replay-of","value":"t/0/2"}]'`],
  ['REPLAY_UNLIKE', `UPDATE deliveries SET headers = '[]'`],
  ['REPLAYED_TWICE', 'INSERT INTO deliveries SELECT * REPLACE (8 AS kafka_offset) FROM deliveries'],
];

for (const [code, damage] of DAMAGE) {
  test(`${code} is reported with the replay: ${damage}`, async () => {
    const { findings } = await judged(damage, markerAt(8n));
    assert.deepEqual(
      findings.map((finding) => finding.code),
      [code],
    );
    assert.match(findings[0]?.message ?? '', /t\/0\/1/);
  });
}

test('a message with a false replay header is no fault of the tables', async () => {
  const forged = `INSERT INTO deliveries SELECT * REPLACE (8 AS kafka_offset, '{"ä":2}' AS payload) FROM deliveries`;
  const { report, findings, notes } = await judged(forged);
  assert.deepEqual(findings, []);
  assert.equal(report.landed, 1);
  assert.match(notes[0]?.message ?? '', /^1 messages say by their header .*: t\/0\/8$/);
});

for (const [table, copy] of [
  ['deliveries', 'INSERT INTO deliveries SELECT * REPLACE (8 AS kafka_offset) FROM deliveries'],
  [
    'quarantine',
    `INSERT INTO quarantine SELECT kafka_topic, kafka_partition, 8, headers, NULL, NULL, encode(payload)
       FROM deliveries`,
  ],
] as const) {
  test(`a duplicate in ${table} is reported as replayed twice, also where its marker expired`, async () => {
    const { findings, notes } = await judged(copy);
    assert.deepEqual(
      findings.map(({ code }) => code),
      ['REPLAYED_TWICE'],
    );
    assert.match(findings[0]?.message ?? '', /^1 .*: t\/0\/1$/);
    assert.deepEqual(notes, []);
  });
}
