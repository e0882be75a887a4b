import { join } from 'node:path';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { KafkaWithMarkers } from '../../adapters/kafka/client.ts';
import { readMarkers } from '../../adapters/kafka/marker-log.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import { PipelineError } from '../../model/errors.ts';
import { chunkIds } from '../../model/identity.ts';
import type { Content, IsoTime, StagedFile } from '../../model/references.ts';
import type { EndedRun, IngestRequest } from '../../model/run.ts';
import { STEPS } from '../../model/step.ts';
import { sourceOf, type Settings } from '../../model/settings.ts';
import { isContentIncomplete, skippedCount } from '../../model/skipped.ts';
import { runs } from '../../tables/index.ts';
import { stepColumns } from '../../tables/runs.ts';
import type { RunContext } from '../run-context.ts';
import { writeRows, type TableRow } from '../transform/write-rows.ts';
import { commitFiles } from './commit-files.ts';
import { contentTransaction, runTransaction } from './transaction-ids.ts';

/** A run to be recorded. */
export interface RunToRecord {
  readonly request: IngestRequest;
  readonly result: EndedRun;
  readonly startedAt: IsoTime;
  readonly finishedAt: IsoTime;
  /** The UTC day that names the partition of the row, as 2026-01-31. */
  readonly ingestedOn: string;
}

/** The services and settings that recording a run uses. */
export interface RecordDeps {
  readonly settings: Settings;
  readonly kafka: KafkaWithMarkers;
  readonly warehouse: Warehouse;
  readonly own: RunStaging;
}

/**
 * Commits the row of an ended run to the table `runs` and, if it landed, the mark that its content is ingested, as one
 * entry: each run adds a file to the log's folder, whose size HDFS limits. Idempotent.
 * @throws {PipelineError} CONTENT_UNPROVEN, an error of Kafka, of HDFS or of the log
 */
export async function recordRun(deps: RecordDeps, run: RunContext, request: RunToRecord): Promise<void> {
  const marks = await contentMarks(deps, request.result);
  const file = await writeRun(deps.own, run, request);
  await commitFiles(deps, run, {
    table: runs,
    subject: run.execution.runId,
    files: () => Promise.resolve([file]),
    fences: [runTransaction(run.execution.runId)],
    marks: () => Promise.resolve(marks),
    info: {},
  });
}

/**
 * Returns the application id that marks the run's content as ingested, if it is to be marked.
 * @throws {PipelineError} CONTENT_UNPROVEN
 */
async function contentMarks(
  deps: Pick<RecordDeps, 'settings' | 'kafka' | 'warehouse'>,
  result: EndedRun,
): Promise<string[]> {
  const { content, source, outcome } = result;
  if (outcome !== 'landed') return [];
  // Content that was left out in part may be ingested again; content without records needs no mark.
  if (content === null || content.chunks === 0 || isContentIncomplete(result)) return [];
  const { appId } = contentTransaction(source, content);
  const head = await deps.warehouse.table(runs.name).head();
  if (head?.txns.has(appId) === true) return [];
  await requirePublished(deps, source, content);
  return [appId];
}

/**
 * Makes sure that a content was published: each of its chunks has a marker in Kafka, which only the transaction that
 * published the chunk writes.
 * @throws {PipelineError} CONTENT_UNPROVEN
 */
async function requirePublished(
  { settings, kafka }: Pick<RecordDeps, 'settings' | 'kafka'>,
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

async function writeRun(own: RunStaging, run: RunContext, request: RunToRecord): Promise<StagedFile> {
  const folder = await own.makeFreshFolder('record');
  const target = {
    folder,
    ingestedOn: request.ingestedOn,
    resolve: (path: string) => join(own.folder, path),
  };
  const [file] = await writeRows(target, runs, [rowOf(run, request)]);
  if (file === undefined) throw new TypeError(`no file was written for the run ${run.execution.runId}`);
  return file;
}

function rowOf({ execution }: RunContext, { request, result, startedAt, finishedAt }: RunToRecord): TableRow {
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
    erased: result.erased,
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
        return stepColumns(step).map(({ name }, index) => [name, values[index]] as const);
      }),
    ),
  };
}
