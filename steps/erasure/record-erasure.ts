import { join } from 'node:path';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import type { StagedFile } from '../../model/references.ts';
import type { EraseResult, StartedErasure } from '../../model/erasure.ts';
import { erasures } from '../../tables/index.ts';
import { commitFiles } from '../landing/commit-files.ts';
import { erasureTransaction } from '../landing/transaction-ids.ts';
import type { RunContext } from '../run-context.ts';
import { writeRows } from '../transform/write-rows.ts';
import type { ErasureDeps } from './deps.ts';
import { SuppressionList } from './suppression-list.ts';

/** A completed erasure to record. */
export interface ErasureToRecord {
  readonly erasure: StartedErasure;
  readonly result: EraseResult;
  readonly requestedBy: string;
  readonly reason: string;
}

/** Commits the row of an erasure to the table `erasures`, exactly once. */
export async function recordErasure(
  deps: Pick<ErasureDeps, 'warehouse' | 'own'>,
  run: RunContext,
  request: ErasureToRecord,
): Promise<void> {
  await commitFiles(deps, run, {
    table: erasures,
    files: async () => {
      const { source, number } = request.erasure;
      const startedMs = await new SuppressionList(deps.warehouse).timeOf(source, number);
      return [await writeRow(deps.own, run, request, startedMs)];
    },
    subject: run.execution.runId,
    fences: [erasureTransaction(run.execution.runId)],
    info: {},
  });
}

async function writeRow(
  own: RunStaging,
  { execution: { workflowId, runId } }: RunContext,
  { erasure, result, requestedBy, reason }: ErasureToRecord,
  startedMs: number,
): Promise<StagedFile> {
  const finishedAt = new Date().toISOString();
  const folder = await own.makeFreshFolder('record');
  const target = {
    folder,
    ingestedOn: finishedAt.slice(0, 10),
    resolve: (path: string) => join(own.folder, path),
  };
  const row = {
    source: erasure.source,
    workflow_id: workflowId,
    run_id: runId,
    number: erasure.number,
    requested_by: requestedBy,
    reason,
    started_at: new Date(startedMs).toISOString(),
    finished_at: finishedAt,
    persons: result.persons,
    messages: result.messages,
    records: result.records,
    tables: JSON.stringify(result.tables),
    kafka_topic: result.kafka?.topic,
    kafka_until: result.kafka?.until,
  };
  const [file] = await writeRows(target, erasures, [row]);
  if (file === undefined) throw new TypeError(`no file was written for the erasure ${runId}`);
  return file;
}
