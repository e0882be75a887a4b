import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import type { Marker } from '../../adapters/kafka/markers.ts';
import { replaySet } from '../../model/identity.ts';
import { REPLAY_HEADER } from '../../model/references.ts';
import type { VerifyFinding, FindingCode, Note } from './findings.ts';

/** The counts of the records replayed from quarantine. */
export interface ReplayCounts {
  readonly marked: number;
  /** Of these, the rows of `deliveries`, and (quarantinedAgain) of `quarantine`. */
  readonly landed: number;
  readonly quarantinedAgain: number;
  /** Those without a row: not landed yet, or skipped by a person's decision. */
  readonly ahead: number;
}

/** The number of positions listed in a finding. */
const MAX_POSITIONS = 3;

/** Views of the landed messages with a replay header, and of their rows in `replays`. */
const REPLAYED = `
  CREATE TEMP TABLE replayed AS
    SELECT kafka_topic, kafka_partition, kafka_offset, held,
      list_filter(from_json(headers, '[{"key":"VARCHAR","value":"VARCHAR"}]'),
        header -> header.key = '${REPLAY_HEADER}')[-1].value AS replay_of
    FROM (
      SELECT kafka_topic, kafka_partition, kafka_offset, headers, 'deliveries' AS held FROM deliveries
      UNION ALL
      SELECT kafka_topic, kafka_partition, kafka_offset, headers, 'quarantine' FROM quarantine
    ) WHERE contains(headers, '"${REPLAY_HEADER}"');
  CREATE TEMP VIEW marked AS
    SELECT m.*, r.held, r.replay_of AS said, EXISTS (
      FROM quarantine AS q WHERE q.kafka_topic = m.kafka_topic
        AND q.kafka_partition IS NOT DISTINCT FROM m.kafka_partition
        AND q.kafka_offset IS NOT DISTINCT FROM m.kafka_offset
        AND q.chunk IS NOT DISTINCT FROM m.chunk
        AND q.chunk_position IS NOT DISTINCT FROM m.chunk_position) AS has_original
    FROM replays AS m LEFT JOIN replayed AS r ON r.kafka_topic = m.kafka_topic
      AND r.kafka_partition = m.replay_partition AND r.kafka_offset = m.replay_offset;
  CREATE TEMP TABLE markers (
    kafka_topic VARCHAR, replay_of VARCHAR, replay_partition INTEGER, replay_offset BIGINT);
  CREATE TEMP VIEW proven AS
    SELECT kafka_topic, replay_of, replay_partition, replay_offset FROM replays UNION FROM markers;
  CREATE TEMP VIEW elsewhere AS
    SELECT r.* FROM replayed AS r SEMI JOIN replays USING (kafka_topic, replay_of)
      ANTI JOIN proven AS p ON p.kafka_topic = r.kafka_topic AND p.replay_of = r.replay_of
        AND p.replay_partition = r.kafka_partition AND p.replay_offset = r.kafka_offset;
  CREATE TEMP TABLE unproven (place VARCHAR, replay_of VARCHAR, is_same BOOLEAN)`;

/**
 * Collects the messages that claim to be a replay without proof, and whether their payload equals the quarantined record,
 * byte for byte. Only these few payloads are read.
 */
const UNPROVEN = `
  INSERT INTO unproven
    WITH original AS (
      SELECT m.replay_of, q.payload FROM replays AS m JOIN quarantine AS q ON q.kafka_topic = m.kafka_topic
        AND q.kafka_partition IS NOT DISTINCT FROM m.kafka_partition
        AND q.kafka_offset IS NOT DISTINCT FROM m.kafka_offset
        AND q.chunk IS NOT DISTINCT FROM m.chunk AND q.chunk_position IS NOT DISTINCT FROM m.chunk_position
      SEMI JOIN elsewhere AS e ON e.replay_of = m.replay_of),
    copy AS (
      SELECT e.replay_of, e.kafka_topic, e.kafka_partition, e.kafka_offset, encode(d.payload) AS payload
      FROM elsewhere AS e JOIN deliveries AS d USING (kafka_topic, kafka_partition, kafka_offset)
      UNION ALL
      SELECT e.replay_of, e.kafka_topic, e.kafka_partition, e.kafka_offset, q.payload
      FROM elsewhere AS e JOIN quarantine AS q USING (kafka_topic, kafka_partition, kafka_offset))
    SELECT concat(c.kafka_topic, '/', c.kafka_partition, '/', c.kafka_offset) AS place, c.replay_of,
      EXISTS (FROM original AS o WHERE o.replay_of = c.replay_of
        AND o.payload IS NOT DISTINCT FROM c.payload) AS is_same
    FROM copy AS c`;

/** Reads the markers of replays from Kafka; see `readMarkers`. */
export type MarkersOf = (topic: string, sets: readonly string[]) => Promise<ReadonlyMap<string, Marker>>;

/** The limit of claimed replays per topic looked up in Kafka: anyone who can write to a topic can claim one. */
const MAX_LOOKUPS = 1_000;

const RULES: readonly { code: FindingCode; what: string; violations: string }[] = [
  {
    code: 'REPLAY_WITHOUT_ORIGINAL',
    what: 'replays have no row in quarantine',
    violations: 'SELECT replay_of AS place FROM marked WHERE NOT has_original',
  },
  {
    code: 'REPLAY_MARKED_TWICE',
    what: 'replays are marked more than once',
    violations: 'SELECT replay_of AS place FROM replays GROUP BY replay_of HAVING count(*) > 1',
  },
  {
    code: 'REPLAY_UNLIKE',
    what: 'replays landed as messages whose header names something else',
    violations: `
      SELECT replay_of AS place FROM marked WHERE said <> replay_of
      UNION ALL
      SELECT replay_of FROM replays AS m JOIN (
        SELECT kafka_topic, kafka_partition, kafka_offset FROM deliveries
        UNION ALL SELECT kafka_topic, kafka_partition, kafka_offset FROM quarantine
      ) AS r ON r.kafka_topic = m.kafka_topic
        AND r.kafka_partition = m.replay_partition AND r.kafka_offset = m.replay_offset
      ANTI JOIN replayed AS said ON said.kafka_topic = r.kafka_topic
        AND said.kafka_partition = r.kafka_partition AND said.kafka_offset = r.kafka_offset`,
  },
  {
    code: 'REPLAYED_TWICE',
    what: 'rows of quarantine were replayed more than once',
    violations: `
      SELECT r.replay_of AS place FROM replayed AS r SEMI JOIN proven AS p ON p.kafka_topic = r.kafka_topic
        AND p.replay_of = r.replay_of AND p.replay_partition = r.kafka_partition
        AND p.replay_offset = r.kafka_offset
      GROUP BY r.kafka_topic, r.replay_of HAVING count(*) > 1
      UNION SELECT replay_of FROM unproven WHERE is_same`,
  },
];

const Violations = z.object({ count: z.coerce.number(), places: z.array(z.string()).nullable() });
const Claimed = z.array(z.object({ kafka_topic: z.string(), replays: z.array(z.string()) }));
const Report = z.object({
  marked: z.coerce.number(),
  landed: z.coerce.number(),
  quarantinedAgain: z.coerce.number(),
  ahead: z.coerce.number(),
});

/**
 * Compares the table `replays` with quarantine and with the landed messages. Since any producer can set the replay header,
 * a message counts as a replay only if `replays` or its marker in Kafka confirms it, or if its payload equals the
 * quarantined record byte for byte, which is a duplicate of any producer.
 * @param markersOf Called only if a message claims a replay that `replays` has at another offset.
 */
export async function checkReplays(
  connection: DuckDBConnection,
  markersOf: MarkersOf,
): Promise<{ report: ReplayCounts; findings: VerifyFinding[]; notes: Note[] }> {
  await connection.run(REPLAYED);
  await resolveClaims(connection, markersOf);
  const findings: VerifyFinding[] = [];
  for (const { code, what, violations } of RULES) {
    const read = await connection.runAndReadAll(
      `SELECT count(*) AS count, min(place, ${MAX_POSITIONS}) AS places FROM (${violations})`,
    );
    const { count, places } = Violations.parse(read.getRowObjectsJson()[0]);
    if (count === 0) continue;
    const more = count > MAX_POSITIONS ? ', …' : '';
    findings.push({
      code,
      where: 'replays',
      message: `${count} ${what}: ${(places ?? []).join(', ')}${more}`,
    });
  }
  const read = await connection.runAndReadAll(`
    SELECT count(*) AS marked, count(*) FILTER (held = 'deliveries') AS landed,
      count(*) FILTER (held = 'quarantine') AS "quarantinedAgain", count(*) FILTER (held IS NULL) AS ahead
    FROM marked`);
  const notes = await unprovenNotes(connection);
  return { report: Report.parse(read.getRowObjectsJson()[0]), findings, notes };
}

/** Looks up claimed replays in Kafka's markers, and compares the payloads of those that remain unproven. */
async function resolveClaims(connection: DuckDBConnection, markersOf: MarkersOf): Promise<void> {
  const read = await connection.runAndReadAll(
    `SELECT kafka_topic, list(DISTINCT replay_of ORDER BY replay_of)[:${MAX_LOOKUPS}] AS replays FROM elsewhere
     GROUP BY kafka_topic`,
  );
  const claimed = Claimed.parse(read.getRowObjectsJson());
  for (const { kafka_topic: topic, replays } of claimed) {
    const sets = new Map(replays.map((reference) => [replaySet(reference), reference]));
    for (const [set, marker] of await markersOf(topic, [...sets.keys()])) {
      for (const [partition, { first, end }] of marker) {
        const place = [topic, sets.get(set) ?? '', partition, end - 1n];
        if (first < end) await connection.run('INSERT INTO markers VALUES ($1, $2, $3, $4)', place);
      }
    }
  }
  if (claimed.length > 0) await connection.run(UNPROVEN);
}

async function unprovenNotes(connection: DuckDBConnection): Promise<Note[]> {
  const read = await connection.runAndReadAll(
    `SELECT count(*) AS count, min(place, ${MAX_POSITIONS}) AS places FROM unproven WHERE NOT is_same`,
  );
  const { count, places } = Violations.parse(read.getRowObjectsJson()[0]);
  if (count === 0) return [];
  const message =
    `${count} messages say by their header to be replays that are elsewhere, and are other records: another producer ` +
    `wrote them: ${(places ?? []).join(', ')}${count > MAX_POSITIONS ? ', …' : ''}`;
  return [{ where: 'replays', message }];
}
