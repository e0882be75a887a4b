import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { sqlName, sqlText } from '../../adapters/duckdb/database.ts';
import { attempts, options, questions } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import type { FirstOffsets } from './added-tables.ts';
import type { VerifyFinding, FindingCode } from './findings.ts';

/** A referential integrity rule between two tables; its SELECT returns the rows that violate it. */
interface Rule {
  readonly code: FindingCode;
  readonly table: string;
  /** The violation, as the end of a sentence that begins with a count. */
  readonly what: string;
  /** A SELECT of `kafka_topic`, `kafka_partition` and `kafka_offset` of the violating rows. */
  readonly violations: string;
  /**
   * The table whose missing rows are the violations. One that was added to the warehouse has no rows of earlier messages,
   * which are then no violations.
   */
  readonly missing?: Table;
}

/** The key columns that a row shares with its parent. */
const MESSAGE = 'source, kafka_topic, kafka_partition, kafka_offset';

const QUESTIONS = '$.sequences.questions';

/** `deliveries` with payloads that DuckDB can parse: without byte order marks, which it rejects, and null if not JSON. */
const JSON_PAYLOAD = `(SELECT * REPLACE (if(json_valid(ltrim(payload, chr(65279))), ltrim(payload, chr(65279)), NULL) AS payload) FROM deliveries)`;

/** Returns SQL for the length of a JSON array, as a signed integer: subtracting 1 from an unsigned 0 is an error. */
function arrayLength(...args: readonly string[]): string {
  return `json_array_length(${args.join(', ')})::BIGINT`;
}

/** The number of positions listed in a finding. */
const MAX_POSITIONS = 3;

const RULES: readonly Rule[] = [
  {
    code: 'ATTEMPT_WITHOUT_DELIVERY',
    table: 'attempts',
    what: 'attempts have no row in deliveries',
    violations: `SELECT * FROM attempts ANTI JOIN deliveries USING (${MESSAGE})`,
  },
  {
    code: 'DELIVERY_WITHOUT_ATTEMPT',
    table: 'deliveries',
    missing: attempts,
    what: 'deliveries have no row in attempts',
    violations: `SELECT * FROM deliveries ANTI JOIN attempts USING (${MESSAGE})`,
  },
  {
    code: 'ATTEMPT_TWICE',
    table: 'attempts',
    what: 'messages have more than one row in attempts',
    violations: `SELECT ${MESSAGE} FROM attempts GROUP BY ALL HAVING count(*) > 1`,
  },
  {
    code: 'QUESTION_WITHOUT_ATTEMPT',
    table: 'questions',
    missing: attempts,
    what: 'questions have no row in attempts',
    violations: `SELECT * FROM questions ANTI JOIN attempts USING (${MESSAGE})`,
  },
  {
    code: 'OPTION_WITHOUT_QUESTION',
    table: 'options',
    missing: questions,
    what: 'options have no row in questions',
    violations: `SELECT * FROM options ANTI JOIN questions USING (${MESSAGE}, question_position)`,
  },
  {
    code: 'QUESTION_COUNT',
    table: 'questions',
    missing: questions,
    what: 'deliveries have other questions than their payload, which are numbered from 0',
    violations: `
      SELECT * FROM (
        SELECT ${MESSAGE}, ${arrayLength('payload', `'${QUESTIONS}'`)} AS due FROM ${JSON_PAYLOAD}
      ) LEFT JOIN (
        SELECT ${MESSAGE}, count(*) AS held, count(DISTINCT question_position) AS positions,
          min(question_position) AS first, max(question_position) AS last
        FROM questions GROUP BY ${MESSAGE}
      ) USING (${MESSAGE})
      WHERE coalesce(held, 0) IS DISTINCT FROM due OR positions <> due OR first <> 0 OR last <> due - 1`,
  },
  {
    code: 'OPTION_COUNT',
    table: 'options',
    missing: options,
    what: 'questions have other options than their option_count, which are numbered from 0',
    violations: `
      SELECT * FROM questions LEFT JOIN (
        SELECT ${MESSAGE}, question_position, count(*) AS held, count(DISTINCT option_position) AS positions,
          min(option_position) AS first, max(option_position) AS last
        FROM options GROUP BY ${MESSAGE}, question_position
      ) USING (${MESSAGE}, question_position)
      WHERE coalesce(held, 0) IS DISTINCT FROM option_count OR positions <> option_count OR first <> 0 OR last <> option_count - 1`,
  },
  {
    code: 'OPTION_COUNT',
    table: 'questions',
    missing: questions,
    what: 'deliveries have another sum of option_count than their payload has options',
    violations: `
      SELECT * FROM (
        SELECT ${MESSAGE}, coalesce(list_sum(list_transform(
          json_extract(payload, '${QUESTIONS}[*].options'), options -> ${arrayLength('options')})), 0) AS due
        FROM ${JSON_PAYLOAD}
      ) LEFT JOIN (
        SELECT ${MESSAGE}, sum(option_count) AS held FROM questions GROUP BY ${MESSAGE}
      ) USING (${MESSAGE})
      WHERE coalesce(held, 0) IS DISTINCT FROM due`,
  },
];

const Violations = z.object({ count: z.coerce.number(), places: z.array(z.string()).nullable() });

/**
 * Checks that rows of child tables have their parents, and that no rows are missing.
 * @param offsets The offsets from which the tables that were added to the warehouse have rows.
 */
export async function checkChildren(
  connection: DuckDBConnection,
  offsets: FirstOffsets = new Map(),
): Promise<VerifyFinding[]> {
  const findings: VerifyFinding[] = [];
  const early = [...offsets].map(([table, own]): Rule => ({
    code: 'ROW_BEFORE_TABLE',
    table: table.name,
    what: 'rows are of messages before the offset from which the table has rows',
    violations: `SELECT * FROM ${sqlName(table.name)} WHERE ${isBefore(own)}`,
  }));
  for (const { code, table, what, violations, missing } of [...RULES, ...early]) {
    const own = missing === undefined ? undefined : offsets.get(missing);
    const result = await connection.runAndReadAll(`
      SELECT count(*) AS count, min(place, ${MAX_POSITIONS}) AS places FROM (
        SELECT format('{}/{} at {}', kafka_topic, kafka_partition, kafka_offset) AS place FROM (${violations})
        ${own === undefined ? '' : `WHERE NOT (${isBefore(own)})`}
      )`);
    const { count, places } = Violations.parse(result.getRowObjectsJson()[0]);
    if (count === 0) continue;
    const more = count > MAX_POSITIONS ? ', …' : '';
    findings.push({ code, where: table, message: `${count} ${what}: ${(places ?? []).join(', ')}${more}` });
  }
  return findings;
}

/** Returns the SQL condition of rows whose message is before an offset of its partition, by `topic/partition`. */
export function isBefore(offsets: ReadonlyMap<string, string | number>): string {
  const entries = [...offsets].map(([key, offset]) => `${sqlText(key)}: ${offset}::BIGINT`);
  const first = `MAP {${entries.join(', ')}}[format('{}/{}', kafka_topic, kafka_partition)]`;
  return `kafka_offset < coalesce(${first}, 0)`;
}
