import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { sqlName, sqlText } from '../../adapters/duckdb/database.ts';
import { contracts } from '../../tables/contracts.ts';
import type { FirstOffsets } from './added-tables.ts';
import { rulesOf, type Rule } from './contract-rules.ts';
import type { RowFinding } from './findings.ts';

/** The number of positions listed in a finding. */
const MAX_POSITIONS = 3;

const Violations = z.object({ count: z.coerce.number(), places: z.array(z.string()).nullable() });

/**
 * Checks that rows of child tables have their parents, and that no rows are missing.
 * @param offsets The offsets from which the tables that were added to the warehouse have rows.
 */
export async function checkChildren(
  connection: DuckDBConnection,
  offsets: FirstOffsets = new Map(),
): Promise<RowFinding[]> {
  const findings: RowFinding[] = [];
  const early = [...offsets].map(([table, own]): Rule => ({
    code: 'ROW_BEFORE_TABLE',
    table: table.name,
    what: 'rows are of messages before the offset from which the table has rows',
    violations: `SELECT * FROM ${sqlName(table.name)} WHERE ${isBefore(own)}`,
    wrong: [],
  }));
  const rules = contracts().flatMap(rulesOf);
  for (const { code, table, what, violations, missing, wrong } of [...rules, ...early]) {
    const own = missing === undefined ? undefined : offsets.get(missing);
    const result = await connection.runAndReadAll(`
      SELECT count(*) AS count, min(place, ${MAX_POSITIONS}) AS places FROM (
        SELECT format('{}/{} at {}', kafka_topic, kafka_partition, kafka_offset) AS place FROM (${violations})
        ${own === undefined ? '' : `WHERE NOT (${isBefore(own)})`}
      )`);
    const { count, places } = Violations.parse(result.getRowObjectsJson()[0]);
    if (count === 0) continue;
    const more = count > MAX_POSITIONS ? ', …' : '';
    const message = `${count} ${what}: ${(places ?? []).join(', ')}${more}`;
    findings.push({ code, where: table, message, ...(wrong.length > 0 && { wrong }) });
  }
  return findings;
}

/** Returns the SQL condition of rows whose message is before an offset of its partition, by `topic/partition`. */
export function isBefore(offsets: ReadonlyMap<string, string | number>): string {
  const entries = [...offsets].map(([key, offset]) => `${sqlText(key)}: ${offset}::BIGINT`);
  const first = `MAP {${entries.join(', ')}}[format('{}/{}', kafka_topic, kafka_partition)]`;
  return `kafka_offset < coalesce(${first}, 0)`;
}
