import { readFrames } from '../adapters/staging/frames.ts';
import { RunStaging } from '../adapters/staging/run-staging.ts';
import type { Chunk } from '../model/references.ts';
import { sourceOf } from '../model/settings.ts';
import { checkAttempt, type ContractFault } from '../records/check.ts';
import type { ActivityDeps } from './deps.ts';
import {
  CheckedRecords,
  requireValidRecord,
  requireWithinLimit,
} from '../steps/transform/quarantine-limit.ts';
import { currentRun } from './run-context.ts';

/** The input of `checkQuarantineLimit`. */
export interface CheckQuarantineLimitRequest {
  readonly source: string;
  readonly chunks: readonly Chunk[];
}

/**
 * Checks the fetched records before any is published: at least one must be valid, and the share of invalid ones must
 * not exceed the source's `quarantineLimit`, if it has one.
 * @throws {PipelineError} NOTHING_GOOD, QUARANTINE_LIMIT, STAGING_LOST, INPUT_INVALID
 */
export function createCheckQuarantineLimit({ settings, staging }: ActivityDeps) {
  return async function checkQuarantineLimit({ source, chunks }: CheckQuarantineLimitRequest): Promise<void> {
    const run = currentRun();
    const { quarantineLimit, topic } = sourceOf(settings, source);
    const { recordBytes } = settings.limits;
    const checked = new CheckedRecords();
    const own = RunStaging.of(staging, run.execution);
    for (const chunk of chunks) {
      await own.requireReceipt(chunk.path, { source, topic, chunk });
      for await (const frames of readFrames(await own.locate(chunk.path))) {
        run.signal.throwIfAborted();
        for (const record of frames) {
          const tooLarge = record.length > recordBytes;
          checked.add(tooLarge ? 'publish' : 'transform', tooLarge ? TOO_LARGE : checkAttempt(record).fault);
        }
      }
    }
    const what = `source ${source}, as fetched`;
    requireValidRecord(what, checked);
    if (quarantineLimit !== undefined) requireWithinLimit(what, quarantineLimit, checked);
  };
}

const TOO_LARGE: ContractFault = { path: '', reason: 'has more bytes than limits.recordBytes' };
