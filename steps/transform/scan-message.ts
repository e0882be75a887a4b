import { PipelineError } from '../../model/errors.ts';
import { checkAttempt, type ContractFault } from '../../records/check.ts';
import type { AttemptScan, MessageMetadata } from '../../records/scan.ts';

/**
 * Scans a message into rows.
 * @returns Why it cannot become rows, so that nothing was added; undefined if it became rows.
 * @throws {PipelineError} TRANSFORM_FAILED
 */
export function scanMessage(
  scan: AttemptScan,
  topic: string,
  value: Buffer | null,
  metadata: MessageMetadata,
): ContractFault | undefined {
  if (value !== null && scan.tryAdd(value, metadata)) return undefined;
  const { fault } = checkAttempt(value);
  if (fault !== undefined) return fault;
  // The check and the scan contradict each other: fail rather than lose a message.
  throw new PipelineError(
    'TRANSFORM_FAILED',
    `the check accepts the message ${topic}/${metadata.partition}/${metadata.offset}, but the scan rejects it`,
  );
}
