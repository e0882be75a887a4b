import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { formatDuration } from '../../model/duration.ts';
import { RECORDS_LANDED, RECORDS_QUARANTINED, SOURCE, STEP } from '../../model/search-attributes.ts';
import type { Settings } from '../../model/settings.ts';
import { formatTable, formatTime } from '../cli/output.ts';

/** The states of a run, each with its condition in a Temporal list filter. */
const CONDITIONS = {
  running: `ExecutionStatus = 'Running' AND (${STEP.name} IS NULL OR ${STEP.name} != 'waiting')`,
  waiting: `ExecutionStatus = 'Running' AND ${STEP.name} = 'waiting'`,
  completed: `ExecutionStatus = 'Completed'`,
  failed: `ExecutionStatus = 'Failed'`,
  cancelled: `ExecutionStatus = 'Canceled'`,
  terminated: `ExecutionStatus = 'Terminated'`,
  'timed-out': `ExecutionStatus = 'TimedOut'`,
} as const;

/** The state of a run; `waiting` means waiting for a person, which Temporal counts as running. */
export type RunFilterState = keyof typeof CONDITIONS;

/** Every {@link RunFilterState}. */
export const RUN_STATES = Object.keys(CONDITIONS) as readonly RunFilterState[];

/** Selects runs. */
export interface RunFilter {
  readonly source?: string;
  readonly state?: RunFilterState;
  /** Earliest start time. */
  readonly since?: Date;
  /** Maximum number of runs; the newest are kept. */
  readonly limit: number;
}

/** A run, as `list --json` prints it. */
export interface RunRow {
  readonly run: string;
  readonly source: string | null;
  /** The latest step that began, or how the run ended; null if Temporal has no such search attribute. */
  readonly step: string | null;
  readonly state: string;
  /** Records; null until the run has succeeded. */
  readonly landed: number | null;
  readonly quarantined: number | null;
  /** ISO 8601, in UTC. */
  readonly started: string;
  readonly ended: string | null;
  /** From the start until the end, or until now. */
  readonly tookSeconds: number;
}

/** Lists the runs of this pipeline, newest first. */
export async function listRuns(client: Client, settings: Settings, filter: RunFilter): Promise<RunRow[]> {
  const { taskQueue } = settings.temporal;
  // A run that continued as new is listed once, by its latest execution.
  const conditions = [
    `WorkflowType = 'ingest'`,
    `TaskQueue = ${quote(taskQueue)}`,
    `ExecutionStatus != 'ContinuedAsNew'`,
  ];
  if (filter.source !== undefined) conditions.push(`${SOURCE.name} = ${quote(filter.source)}`);
  if (filter.state !== undefined) conditions.push(CONDITIONS[filter.state]);
  if (filter.since !== undefined) conditions.push(`StartTime >= '${filter.since.toISOString()}'`);
  const found = client.workflow.list({ query: conditions.join(' AND ') });
  return (await newestRuns(found, filter.limit)).map(rowOf);
}

/** The start of a run and, if it has ended, its end. */
export type TimeSpan = Pick<WorkflowExecutionInfo, 'startTime' | 'closeTime'>;

/**
 * Returns the runs with the latest start times, newest first.
 * @param runs In Temporal's order, which is not by start: open runs first, then closed ones, latest end first. Reading
 *   therefore stops at the first run that ended before every kept run started.
 */
export async function newestRuns<T extends TimeSpan>(runs: AsyncIterable<T>, limit: number): Promise<T[]> {
  const kept: T[] = [];
  for await (const run of runs) {
    const oldest = kept[limit - 1];
    if (oldest !== undefined && run.closeTime !== undefined && run.closeTime <= oldest.startTime) break;
    const index = kept.findIndex(({ startTime }) => startTime < run.startTime);
    kept.splice(index === -1 ? kept.length : index, 0, run);
    kept.splice(limit);
  }
  return kept;
}

function rowOf(run: WorkflowExecutionInfo): RunRow {
  const attributes = run.typedSearchAttributes;
  const isWaiting = run.status.name === 'RUNNING' && attributes.get(STEP) === 'waiting';
  const end = run.closeTime ?? new Date();
  return {
    run: run.workflowId,
    source: attributes.get(SOURCE) ?? null,
    step: isWaiting ? null : (attributes.get(STEP) ?? null),
    state: isWaiting ? 'waiting' : run.status.name.toLowerCase().replaceAll('_', '-'),
    landed: attributes.get(RECORDS_LANDED) ?? null,
    quarantined: attributes.get(RECORDS_QUARANTINED) ?? null,
    started: run.startTime.toISOString(),
    ended: run.closeTime?.toISOString() ?? null,
    tookSeconds: Math.max(0, end.getTime() - run.startTime.getTime()) / 1000,
  };
}

/** Formats runs as a table for people. */
export function formatRuns(rows: readonly RunRow[]): string[] {
  if (rows.length === 0) return ['no runs'];
  return formatTable(
    ['run', 'source', 'step', 'state', 'landed', 'quarantined', 'started', 'took'],
    rows.map((row) => [
      row.run,
      row.source ?? '',
      row.step ?? '',
      row.state,
      row.landed ?? '',
      row.quarantined ?? '',
      formatTime(new Date(row.started)),
      formatTook(row.tookSeconds),
    ]),
  );
}

function formatTook(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(1)}s` : formatDuration(Math.round(seconds));
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
