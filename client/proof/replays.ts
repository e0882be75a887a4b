import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { REPLAY_HEADER } from '../../model/references.ts';
import type { Finding, FindingCode } from './findings.ts';

/** What was published again out of quarantine, in numbers. */
export interface ReplayReport {
  readonly marked: number;
  /** Of these: as rows of `deliveries`, and as rows of `quarantine`. */
  readonly landed: number;
  readonly quarantinedAgain: number;
  /** Those that no row shows, since no run landed them yet, or a person let a run skip them. */
  readonly ahead: number;
}

/** A finding names so many places. */
const MOST_PLACES = 3;

/** Each landed message that was published again, with what its last header says that it is. */
const REPLAYED = `
  CREATE TEMP VIEW replayed AS
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
      AND r.kafka_partition = m.replay_partition AND r.kafka_offset = m.replay_offset`;

const RULES: readonly { code: FindingCode; what: string; offenders: string }[] = [
  {
    code: 'REPLAY_WITHOUT_ORIGINAL',
    what: 'replays have no row in quarantine that they are of',
    offenders: 'SELECT replay_of AS place FROM marked WHERE NOT has_original',
  },
  {
    code: 'REPLAY_MARKED_TWICE',
    what: 'replays are marked more than once',
    offenders: 'SELECT replay_of AS place FROM replays GROUP BY replay_of HAVING count(*) > 1',
  },
  {
    code: 'REPLAY_UNLIKE',
    what: 'replays landed as messages that say to be something else',
    offenders: `
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
    what: 'rows of quarantine were published again more than once',
    offenders: `
      SELECT replay_of AS place FROM replayed SEMI JOIN replays USING (kafka_topic, replay_of)
      GROUP BY kafka_topic, replay_of HAVING count(*) > 1`,
  },
];

const Found = z.object({ count: z.coerce.number(), places: z.array(z.string()).nullable() });
const Report = z.object({
  marked: z.coerce.number(),
  landed: z.coerce.number(),
  quarantinedAgain: z.coerce.number(),
  ahead: z.coerce.number(),
});

/** Holds what the table `replays` says against quarantine and against the messages that landed. */
export async function judgeReplays(
  connection: DuckDBConnection,
): Promise<{ report: ReplayReport; findings: Finding[] }> {
  await connection.run(REPLAYED);
  const findings: Finding[] = [];
  for (const { code, what, offenders } of RULES) {
    const read = await connection.runAndReadAll(
      `SELECT count(*) AS count, min(place, ${MOST_PLACES}) AS places FROM (${offenders})`,
    );
    const { count, places } = Found.parse(read.getRowObjectsJson()[0]);
    if (count === 0) continue;
    const more = count > MOST_PLACES ? ', …' : '';
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
  return { report: Report.parse(read.getRowObjectsJson()[0]), findings };
}
