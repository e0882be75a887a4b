import Table from 'cli-table3';
import type { SoakReport } from './soak.ts';

const STYLE = { head: [], border: [] };

/** Formats the result of a soak for people. */
export function reportText(report: SoakReport): string {
  const { faults, findings, recordsIn, landed, quarantined, aborted, doubled, lost, runs } = report;
  const done = new Table({ head: ['fault', 'done', 'met by a request'], style: STYLE });
  for (const [name, { planned, met }] of [...faults].sort(([one], [other]) => one.localeCompare(other)))
    done.push([name, planned, met]);
  const sums = new Table({ head: ['what', 'count'], style: STYLE });
  sums.push(
    ['faults done', [...faults.values()].reduce((sum, { met }) => sum + met, 0)],
    [`runs (${listOf(report.outcomes)})`, runs],
    [`waited for a person (${listOf(report.waited)})`, sumOf(report.waited)],
    ['records sent and not committed', aborted],
    ['records in', recordsIn],
    ['landed', landed],
    ['quarantined', quarantined],
    ['doubled', doubled],
    ['lost', lost],
  );
  const words = findings.length === 0 ? ['verify found no inconsistency'] : findings;
  return [done.toString(), sums.toString(), ...words].join('\n');
}

function listOf(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
