import { ScheduleNotFoundError, type Client, type ScheduleDescription } from '@temporalio/client';
import { msToTs, tsToMs } from '@temporalio/common/lib/time.js';
import { PipelineError } from '../../model/errors.ts';
import { SCHEDULED_BY, SCHEDULED_TIME } from '../../model/schedule.ts';
import { STEP } from '../../model/search-attributes.ts';
import { RUN_PREFIX } from '../cli/temporal.ts';

/** Returns the id of a source's schedule; Temporal appends the scheduled time for the ids of its runs. */
export function scheduleIdOf(source: string): string {
  return `${RUN_PREFIX}-${source}`;
}

/** Returns the source of a schedule; undefined if the schedule belongs to another program. */
function sourceOfSchedule(scheduleId: string): string | undefined {
  const prefix = scheduleIdOf('');
  return scheduleId.startsWith(prefix) ? scheduleId.slice(prefix.length) : undefined;
}

/**
 * Calls `use` and maps Temporal's "schedule not found".
 * @throws {PipelineError} SCHEDULE_UNKNOWN when the source has no schedule
 */
export async function withSchedule<T>(source: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    throw new PipelineError('SCHEDULE_UNKNOWN', `source ${JSON.stringify(source)} has no schedule`, {
      cause: error,
    });
  }
}

/**
 * Describes a source's schedule.
 * @throws {PipelineError} SCHEDULE_UNKNOWN
 */
export async function describeSchedule(client: Client, source: string): Promise<ScheduleDescription> {
  return withSchedule(source, () => client.schedule.getHandle(scheduleIdOf(source)).describe());
}

/** Describes a source's schedule; returns undefined if it has none. */
export async function findSchedule(client: Client, source: string): Promise<ScheduleDescription | undefined> {
  return findScheduleById(client, scheduleIdOf(source));
}

/** Describes a schedule by its id; returns undefined if there is none. */
export async function findScheduleById(
  client: Client,
  scheduleId: string,
): Promise<ScheduleDescription | undefined> {
  try {
    return await client.schedule.getHandle(scheduleId).describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

/**
 * Returns the sources that may have a schedule, sorted.
 * @param known Sources to include in any case: Temporal's list of schedules is eventually consistent.
 */
export async function scheduledSources(client: Client, known: readonly string[]): Promise<string[]> {
  const sources = new Set(known);
  for await (const { scheduleId, action } of client.schedule.list()) {
    const source = sourceOfSchedule(scheduleId);
    if (source !== undefined && action?.workflowType === 'ingest') sources.add(source);
  }
  return [...sources].sort();
}

/** Returns how many runs of a schedule are queued, and how many were dropped because the queue was full. */
export function queueOf({ raw }: ScheduleDescription): { queued: number; dropped: number } {
  return { queued: Number(raw.info?.bufferSize ?? 0), dropped: Number(raw.info?.bufferDropped ?? 0) };
}

/** Temporal's limit per response of ListScheduleMatchingTimes. */
const MAX_TIMES_PER_PAGE = 1000;

/** Yields the scheduled times from `from` to `to`, both included, in order, as Temporal computes them. */
export async function* scheduledTimes(
  client: Client,
  source: string,
  from: Date,
  to: Date,
): AsyncGenerator<Date> {
  // Temporal excludes the start time itself; scheduled times are whole seconds.
  let after = from.getTime() - 1;
  while (after < to.getTime()) {
    const start = after;
    const { startTime } = await withSchedule(source, () =>
      client.workflowService.listScheduleMatchingTimes({
        namespace: client.options.namespace,
        scheduleId: scheduleIdOf(source),
        startTime: msToTs(start),
        endTime: msToTs(to.getTime()),
      }),
    );
    for (const time of startTime) {
      after = tsToMs(time);
      yield new Date(after);
    }
    if (startTime.length < MAX_TIMES_PER_PAGE) return;
  }
}

/** A run that a schedule started. */
export interface StartedRun {
  readonly workflowId: string;
  readonly runId: string;
  /** Scheduled time, in milliseconds since the epoch. */
  readonly scheduledMs: number;
  /** Temporal's status, such as RUNNING or COMPLETED; WAITING while it waits for a person. */
  readonly state: string;
}

/**
 * Returns the latest run of each scheduled time, by that time in milliseconds since the epoch. Temporal's visibility is
 * eventually consistent, and drops runs after the retention period.
 */
export async function scheduledRunsOf(
  client: Client,
  source: string,
  from: Date,
  to: Date,
): Promise<Map<number, StartedRun>> {
  // Temporal on SQLite compares times as strings, which excludes a time equal to a bound.
  const [above, below] = [new Date(from.getTime() - 1000), new Date(to.getTime() + 1000)];
  const query =
    `${SCHEDULED_BY.name} = '${scheduleIdOf(source)}' AND ` +
    `${SCHEDULED_TIME.name} > '${above.toISOString()}' AND ${SCHEDULED_TIME.name} < '${below.toISOString()}'`;
  const latest = new Map<number, StartedRun & { startedMs: number }>();
  for await (const run of client.workflow.list({ query })) {
    const scheduledMs = run.typedSearchAttributes.get(SCHEDULED_TIME)?.getTime();
    if (scheduledMs === undefined) continue;
    const startedMs = run.startTime.getTime();
    if ((latest.get(scheduledMs)?.startedMs ?? -Infinity) >= startedMs) continue;
    const isRunning = run.status.name === 'RUNNING';
    const isWaiting = isRunning && run.typedSearchAttributes.get(STEP) === 'waiting';
    const { workflowId, runId } = run;
    latest.set(scheduledMs, {
      workflowId,
      runId,
      scheduledMs,
      startedMs,
      state: isWaiting ? 'WAITING' : run.status.name,
    });
  }
  return latest;
}

/** Returns the id of a run of the schedule that waits for a person and thereby blocks the queued runs. */
export async function waitingRunOf(client: Client, source: string): Promise<string | undefined> {
  const query =
    `${SCHEDULED_BY.name} = '${scheduleIdOf(source)}' AND ${STEP.name} = 'waiting' ` +
    `AND ExecutionStatus = 'Running'`;
  for await (const run of client.workflow.list({ query, pageSize: 1 })) return run.workflowId;
  return undefined;
}
