import { RunStaging } from '../adapters/staging/run-staging.ts';
import { recordRun, type RunToRecord } from '../steps/landing/run-record.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';

/** The input of `record`. */
export type RecordRequest = RunToRecord;

/**
 * Writes an ended run to the table `runs`, once, and, if it landed, marks its content as ingested. A landed run whose
 * content has no markers in Kafka is recorded only if a person let it continue; its content is then not marked.
 * @throws {PipelineError} INPUT_INVALID, CONTENT_UNPROVEN, an error of Kafka, of HDFS or of the log
 */
export function createRecord(deps: ActivityDeps) {
  return async function record(request: RecordRequest): Promise<void> {
    const run = currentRun();
    await recordRun({ ...deps, own: RunStaging.of(deps.staging, run.execution) }, run, request);
  };
}
