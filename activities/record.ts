import { join } from 'node:path';
import type { TransactionFence } from '../adapters/delta/snapshot.ts';
import { withDuckDb } from '../adapters/duckdb/database.ts';
import { RunStaging } from '../adapters/staging/run-staging.ts';
import { readMarkers } from '../adapters/kafka/markers.ts';
import { PipelineError } from '../model/errors.ts';
import { chunkIds } from '../model/identity.ts';
import type { Content, IsoTime, StagedFile } from '../model/references.ts';
import { STEPS, type EndedRun, type IngestRequest } from '../model/run.ts';
import { sourceOf } from '../model/settings.ts';
import { keepsUnmarked, skippedCount } from '../model/skipped.ts';
import { runs } from '../tables/index.ts';
import { stepColumns } from '../tables/runs.ts';
import { duckDbType } from '../tables/table.ts';
import type { ActivityDeps } from './deps.ts';
import { contentTransaction, runTransaction } from '../steps/landing/transaction-ids.ts';
import { commitFiles } from '../steps/landing/commit-files.ts';
import type { RunContext } from '../steps/run-context.ts';
import { currentRun } from './run-context.ts';
import { writeTable } from '../steps/transform/table-files.ts';

/** What `record` is asked for. */
export interface RecordRequest {
  readonly request: IngestRequest;
  readonly result: EndedRun;
  readonly startedAt: IsoTime;
  readonly finishedAt: IsoTime;
  readonly ingestedOn: string;
}

/**
 * Writes an ended run into the table `runs`, once, and, where it landed, that its content is ingested. A landed run whose
 * content has no markers in Kafka is written only where a person let it go on, and its content is then not marked.
 * @throws {PipelineError} INPUT_INVALID, CONTENT_UNPROVEN, an error of Kafka, of HDFS or of the log
 */
export function createRecord(deps: ActivityDeps) {
  return async function record(request: RecordRequest): Promise<void> {
    const run = currentRun();
    const own = RunStaging.of(deps.staging, run.execution);
    const fence = await dueFence(deps, request.result);
    const file = await writeRow(own, run, request);
    const landing = { table: runs, subject: run.execution.runId, info: {} };
    const landingDeps = { ...deps, own };
    await commitFiles(landingDeps, run, {
      ...landing,
      files: () => Promise.resolve([file]),
      fences: [runTransaction(run.execution.runId)],
    });
    // In an entry of its own, since another run of the same content may have made it.
    if (fence !== undefined)
      await commitFiles(landingDeps, run, { ...landing, files: noFiles, fences: [fence] });
  };
}

/**
 * Returns the fence of the run's content, which Kafka's markers prove; undefined where there is none to write.
 * @throws {PipelineError} CONTENT_UNPROVEN
 */
async function dueFence(
  deps: Pick<ActivityDeps, 'settings' | 'kafka' | 'warehouse'>,
  result: EndedRun,
): Promise<TransactionFence | undefined> {
  const { content, source, outcome } = result;
  if (outcome !== 'landed') return undefined;
  // With something left out, the same content may come again; one without records has nothing that could.
  if (content === null || content.chunks === 0 || keepsUnmarked(result)) return undefined;
  const fence = contentTransaction(source, content);
  const head = await deps.warehouse.table(runs.name).head();
  if (head?.txns.has(fence.appId) === true) return undefined;
  await requirePublished(deps, source, content);
  return fence;
}

/**
 * Makes sure that a content was fetched and published: each of its chunks has a marker, which only a transaction that
 * published what a run fetched leaves in Kafka.
 * @throws {PipelineError} CONTENT_UNPROVEN
 */
async function requirePublished(
  { settings, kafka }: Pick<ActivityDeps, 'settings' | 'kafka'>,
  source: string,
  content: Content,
): Promise<void> {
  const ids = chunkIds(source, content, content.chunks);
  const markers = await readMarkers(kafka, sourceOf(settings, source).topic, ids);
  if (markers.size === ids.length) return;
  throw new PipelineError(
    'CONTENT_UNPROVEN',
    `the content of source ${source} with the SHA-256 ${content.sha256} cannot be marked as ingested: Kafka has ` +
      `markers of ${markers.size} of its ${ids.length} chunks. The others expired, or were never published`,
  );
}

const noFiles = (): Promise<StagedFile[]> => Promise.resolve([]);

async function writeRow(own: RunStaging, run: RunContext, request: RecordRequest): Promise<StagedFile> {
  const types = Object.fromEntries([
    ['source', 'VARCHAR'],
    ...runs.columns.map(({ name, type }) => [name, duckDbType(type)] as const),
  ]);
  const folder = await own.makeFreshFolder('record');
  const options = { threads: 1, memoryLimit: '256MB', temporaryFolder: await own.locate(folder) };
  return withDuckDb(options, async (connection) => {
    await connection.run(`CREATE TABLE run AS SELECT unnest(json_transform($1, $2))`, [
      JSON.stringify(rowOf(run, request)),
      JSON.stringify(types),
    ]);
    const target = {
      folder,
      ingestedOn: request.ingestedOn,
      resolve: (path: string) => join(own.folder, path),
    };
    const file = await writeTable(connection, runs, request.result.source, target);
    if (file === undefined) throw new TypeError(`no file was written for the run ${run.execution.runId}`);
    return file;
  });
}

function rowOf({ execution }: RunContext, { request, result, startedAt, finishedAt }: RecordRequest): object {
  return {
    source: result.source,
    workflow_id: execution.workflowId,
    run_id: execution.runId,
    // A run can end before it knows its topic.
    kafka_topic: result.topic === '' ? null : result.topic,
    outcome: result.outcome,
    started_at: startedAt,
    finished_at: finishedAt,
    interval_from: request.from,
    interval_to: request.to,
    content_sha256: result.content?.sha256,
    content_bytes: result.content?.bytes,
    content_records: result.content?.records,
    batches: result.batches,
    gaps: result.gaps,
    offsets: JSON.stringify(result.offsets),
    skipped: JSON.stringify(result.skipped),
    skipped_count: skippedCount(result),
    decisions: JSON.stringify(result.decisions.latest),
    decision_count: result.decisions.latest.length + result.decisions.earlier,
    unknown_fields: JSON.stringify(result.unknownFields),
    other_unknown_fields: result.otherUnknownFields.fields,
    ...Object.fromEntries(
      STEPS.flatMap((step) => {
        const counts = result.steps[step];
        const values = [
          counts.recordsIn,
          counts.recordsOut,
          counts.quarantined,
          counts.bytes,
          counts.seconds,
        ];
        return stepColumns(step).map(({ name }, at) => [name, values[at]] as const);
      }),
    ),
  };
}
