import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { formatDuration } from '../../model/duration.ts';
import { RECORDS_LANDED, RECORDS_QUARANTINED, SOURCE, STEP } from '../../model/search-attributes.ts';
import type { Settings } from '../../model/settings.ts';
import { formatTable, formatTime } from '../cli/output.ts';

/** The states of a run, and how Temporal finds the runs that are in one. */
const CONDITIONS = {
  running: `ExecutionStatus = 'Running' AND (${STEP.name} IS NULL OR ${STEP.name} != 'waiting')`,
  waiting: `ExecutionStatus = 'Running' AND ${STEP.name} = 'waiting'`,
  completed: `ExecutionStatus = 'Completed'`,
  failed: `ExecutionStatus = 'Failed'`,
  cancelled: `ExecutionStatus = 'Canceled'`,
  terminated: `ExecutionStatus = 'Terminated'`,
  'timed-out': `ExecutionStatus = 'TimedOut'`,
} as const;

/** The state of a run: `waiting` is for a person, which Temporal counts as running. */
export type RunFilterState = keyof typeof CONDITIONS;

/** Every {@link RunFilterState}. */
export const RUN_STATES = Object.keys(CONDITIONS) as readonly RunFilterState[];

/** Which runs to show. */
export interface RunFilter {
  readonly source?: string;
  readonly state?: RunFilterState;
  /** Those that started then or later. */
  readonly since?: Date;
  /** The latest ones alone, so many. */
  readonly limit: number;
}

/** A run, as `list --json` gives it. */
export interface RunRow {
  readonly run: string;
  readonly source: string | null;
  /** The furthest step that has begun, or how the run ended; null where Temporal does not know. */
  readonly step: string | null;
  readonly state: string;
  /** Records; null until the run has ended well. */
  readonly landed: number | null;
  readonly quarantined: number | null;
  /** ISO 8601, in UTC. */
  readonly started: string;
  readonly ended: string | null;
  /** Until its end, or until now. */
  readonly tookSeconds: number;
}

/** The runs of this pipeline, the newest first. */
export async function listRuns(client: Client, settings: Settings, filter: RunFilter): Promise<RunRow[]> {
  const { taskQueue } = settings.temporal;
  // A run that went on with a new history is found by its latest one.
  const conditions = [
    `WorkflowType = 'ingest'`,
    `TaskQueue = ${textOf(taskQueue)}`,
    `ExecutionStatus != 'ContinuedAsNew'`,
  ];
  if (filter.source !== undefined) conditions.push(`${SOURCE.name} = ${textOf(filter.source)}`);
  if (filter.state !== undefined) conditions.push(CONDITIONS[filter.state]);
  if (filter.since !== undefined) conditions.push(`StartTime >= '${filter.since.toISOString()}'`);
  const found = client.workflow.list({ query: conditions.join(' AND ') });
  return (await newestRuns(found, filter.limit)).map(rowOf);
}

/** When a run started, and when it ended if it has. */
export type TimeSpan = Pick<WorkflowExecutionInfo, 'startTime' | 'closeTime'>;

/**
 * The runs that started last, the newest first.
 * @param runs As Temporal lists them, which it cannot do by their start: those under way, then those that
 * ended, the latest end first. So where one ended before all that were kept started, none that follows counts.
 */
export async function newestRuns<T extends TimeSpan>(runs: AsyncIterable<T>, limit: number): Promise<T[]> {
  const kept: T[] = [];
  for await (const run of runs) {
    const oldest = kept[limit - 1];
    if (oldest !== undefined && run.closeTime !== undefined && run.closeTime <= oldest.startTime) break;
    const at = kept.findIndex(({ startTime }) => startTime < run.startTime);
    kept.splice(at === -1 ? kept.length : at, 0, run);
    kept.splice(limit);
  }
  return kept;
}

function rowOf(run: WorkflowExecutionInfo): RunRow {
  const found = run.typedSearchAttributes;
  const waits = run.status.name === 'RUNNING' && found.get(STEP) === 'waiting';
  const end = run.closeTime ?? new Date();
  return {
    run: run.workflowId,
    source: found.get(SOURCE) ?? null,
    step: waits ? null : (found.get(STEP) ?? null),
    state: waits ? 'waiting' : run.status.name.toLowerCase().replaceAll('_', '-'),
    landed: found.get(RECORDS_LANDED) ?? null,
    quarantined: found.get(RECORDS_QUARANTINED) ?? null,
    started: run.startTime.toISOString(),
    ended: run.closeTime?.toISOString() ?? null,
    tookSeconds: Math.max(0, end.getTime() - run.startTime.getTime()) / 1000,
  };
}

/** Returns the lines of a table of runs for people. */
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

function textOf(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
