import { PipelineError } from '../../model/errors.ts';
import type { FieldTally } from '../../model/field-counts.ts';
import { checkAttempt, type ContractFault } from '../../records/check.ts';
import { normalizedText } from '../../records/normalize.ts';
import type { AttemptScan, MessageMetadata } from '../../records/scan.ts';

/** The target of {@link scanMessage}. */
export interface ScanTarget {
  readonly scan: AttemptScan;
  /** Counts the fields that are not in any table. */
  readonly unknown: FieldTally;
  readonly topic: string;
}

/**
 * Scans a message into rows.
 * @returns Why it cannot become rows, so that nothing was added; undefined if it became rows.
 * @throws {PipelineError} TRANSFORM_FAILED
 */
export function scanMessage(
  { scan, unknown, topic }: ScanTarget,
  value: Buffer | null,
  metadata: MessageMetadata,
): ContractFault | undefined {
  if (value !== null && scan.tryAdd(value, metadata)) return undefined;
  const verdict = checkAttempt(value);
  if (verdict.fault !== undefined) return verdict.fault;
  // The check and the scan contradict each other: fail rather than lose a message.
  if (!scan.tryAdd(normalizedText(verdict.attempt), metadata))
    throw new PipelineError(
      'TRANSFORM_FAILED',
      `the check accepts the message ${topic}/${metadata.partition}/${metadata.offset}, but the scan rejects it`,
    );
  unknown.addAll(verdict.unknown);
  return undefined;
}
