import { PipelineError } from '../../model/errors.ts';
import { formatCount } from '../../model/figures.ts';
import { ReasonTally, describe } from '../../model/reasons.ts';
import type { Step } from '../../model/step.ts';
import type { ContractFault } from '../../records/check.ts';

/** Counts a source's records and its invalid ones by reason. */
export class CheckedRecords {
  records = 0;
  bad = 0;
  readonly reasons = new ReasonTally();

  /** Counts a record; `fault` is undefined if it is valid. */
  add(step: Step, fault: ContractFault | undefined): void {
    this.records += 1;
    if (fault === undefined) return;
    this.bad += 1;
    this.reasons.add(step, fault);
  }
}

/** Reasons that the error names. */
const MAX_NAMED = 3;

/**
 * Makes sure that the share of invalid records does not exceed the source's limit.
 * @param what Which records, as `source pearson, fetched`.
 * @param limit The largest share, from 0 to 1.
 * @throws {PipelineError} QUARANTINE_LIMIT, naming the counts, the share, the limit and the first reasons.
 */
export function requireWithinLimit(what: string, limit: number, checked: CheckedRecords): void {
  const why = describeLimitExcess(what, limit, checked);
  if (why !== undefined) throw new PipelineError('QUARANTINE_LIMIT', why);
}

/**
 * Makes sure that at least one record is valid, so that wholly invalid content needs a person's decision.
 * @param what Which records, as `source pearson, fetched`.
 * @throws {PipelineError} NOTHING_GOOD, naming the count and the first reasons.
 */
export function requireValidRecord(what: string, checked: CheckedRecords): void {
  const why = describeNoValidRecord(what, checked);
  if (why !== undefined) throw new PipelineError('NOTHING_GOOD', why);
}

/** Returns the message of {@link requireValidRecord}; undefined if a record is valid or there are none. */
export function describeNoValidRecord(
  what: string,
  { records, bad, reasons }: CheckedRecords,
): string | undefined {
  if (records === 0 || bad < records) return undefined;
  return `${what}: not one of ${formatCount(records, 'record')} is good; all would go into quarantine: ${reasonsText(reasons)}`;
}

/** Returns the message of {@link requireWithinLimit}; undefined if the share is within the limit. */
export function describeLimitExcess(
  what: string,
  limit: number,
  { records, bad, reasons }: CheckedRecords,
): string | undefined {
  if (records === 0 || bad / records <= limit) return undefined;
  return (
    `${what}: ${bad} of ${records} records, ${percent(bad / records)}, would go into quarantine, more than the ` +
    `quarantineLimit of ${percent(limit)}: ${reasonsText(reasons)}`
  );
}

function reasonsText(reasons: ReasonTally): string {
  const { named, others } = reasons.top(MAX_NAMED);
  return [
    ...named.map(({ count, path, reason }) => `${count} × ${describe(path, reason)}`),
    ...(others === 0 ? [] : [`${others} × other reasons`]),
  ].join(', ');
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
