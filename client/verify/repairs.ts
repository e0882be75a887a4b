import { REBUILDABLE_TABLES, deliveries } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import type { FindingCode, RowFinding, VerifyFinding } from './findings.ts';

/** Findings that concern a table by `where`: its name, or the path of one of its files. */
const OF_TABLE: ReadonlySet<FindingCode> = new Set([
  'FILE_UNREADABLE',
  'FILE_LENGTH',
  'FILE_CHECKSUM',
  'FILE_ROWS',
  'ROW_BEFORE_TABLE',
]);

/** Findings after which the rows of `deliveries` are not known to be all. */
const OF_MESSAGES = /^(?:MESSAGE_|ROW_WITHOUT_|ROW_PAST_|TOPIC_)/;

/**
 * Adds to findings the command that repairs them. Tables are derived again only from a whole `deliveries`.
 * @param pathOf Returns the folder of a table.
 */
export function withRepairs(
  findings: readonly RowFinding[],
  pathOf: (table: Table) => string,
): VerifyFinding[] {
  const isOf = ({ where }: VerifyFinding, table: Table): boolean =>
    where === table.name || where.startsWith(`${pathOf(table)}/`);
  const isWhole = !findings.some(
    (found) => OF_MESSAGES.test(found.code) || (isOf(found, deliveries) && OF_TABLE.has(found.code)),
  );
  return findings.map(({ wrong = [], ...found }) => {
    const tables = OF_TABLE.has(found.code)
      ? REBUILDABLE_TABLES.filter((table) => isOf(found, table))
      : wrong;
    if (!isWhole || tables.length === 0) return found;
    return { ...found, repair: `pipeline rebuild ${tables.map(({ name }) => name).join(' ')}` };
  });
}
