import type { LogEntry } from '../../adapters/delta/history.ts';
import { RewriteWatch, describeDamage } from '../../adapters/delta/rewrites.ts';
import { BATCH_TABLES } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import type { VerifyFinding, Note } from './findings.ts';

/**
 * Reports commits of other programs that removed, doubled or added rows. For tables that are compared with Kafka, such
 * rows are found there, so the commit is only a note; for other tables it is a finding.
 */
export function checkRewrites(histories: ReadonlyMap<Table, readonly LogEntry[]>): {
  findings: VerifyFinding[];
  notes: Note[];
} {
  const findings: VerifyFinding[] = [];
  const notes: Note[] = [];
  for (const [table, entries] of histories) {
    const watch = new RewriteWatch();
    for (const { version, actions } of entries) watch.apply(version, actions);
    const damage = watch.damage();
    if (damage !== undefined) {
      const { version, operation } = damage;
      const message = `version ${version} (${operation}), by another program, ${describeDamage(damage)}`;
      const repair = `pipeline restore ${table.name} --to ${version - 1}`;
      if (BATCH_TABLES.includes(table))
        notes.push({ where: table.name, message: `${message}; to repair it: ${repair}` });
      else findings.push({ code: 'TABLE_REWRITTEN', where: table.name, message, repair });
    }
    for (const { version, operation, files } of watch.additions) {
      const message = `version ${version} (${operation}), by another program, added ${files} files of rows`;
      notes.push({ where: table.name, message });
    }
  }
  return { findings, notes };
}
