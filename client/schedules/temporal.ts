import { ScheduleNotFoundError, type Client, type ScheduleDescription } from '@temporalio/client';
import { msToTs, tsToMs } from '@temporalio/common/lib/time.js';
import { PipelineError } from '../../model/errors.ts';
import { SCHEDULED_BY, SCHEDULED_TIME } from '../../model/schedule.ts';
import { STEP } from '../../model/search-attributes.ts';
import { RUN_PREFIX } from '../cli/temporal.ts';

/** A source's one schedule; a run of it has this id and its scheduled time. */
export function scheduleIdOf(source: string): string {
  return `${RUN_PREFIX}-${source}`;
}

/** The source that a schedule of this program is of; undefined for another's. */
function sourceOfSchedule(scheduleId: string): string | undefined {
  const prefix = scheduleIdOf('');
  return scheduleId.startsWith(prefix) ? scheduleId.slice(prefix.length) : undefined;
}

/**
 * Does something with a source's schedule.
 * @throws {PipelineError} SCHEDULE_UNKNOWN when the source has none.
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
 * What Temporal says of a source's schedule.
 * @throws {PipelineError} SCHEDULE_UNKNOWN
 */
export async function describeSchedule(client: Client, source: string): Promise<ScheduleDescription> {
  return withSchedule(source, () => client.schedule.getHandle(scheduleIdOf(source)).describe());
}

/** What Temporal says of a source's schedule; undefined where it has none. */
export async function findSchedule(client: Client, source: string): Promise<ScheduleDescription | undefined> {
  try {
    return await describeSchedule(client, source);
  } catch (error) {
    if (error instanceof PipelineError && error.code === 'SCHEDULE_UNKNOWN') return undefined;
    throw error;
  }
}

/**
 * The sources that may have a schedule, in order.
 * @param known Those to name in any case: Temporal's list is a little late.
 */
export async function scheduledSources(client: Client, known: readonly string[]): Promise<string[]> {
  const sources = new Set(known);
  for await (const { scheduleId, action } of client.schedule.list()) {
    const source = sourceOfSchedule(scheduleId);
    if (source !== undefined && action?.workflowType === 'ingest') sources.add(source);
  }
  return [...sources].sort();
}

/** How many runs a schedule has queued, and has dropped since its queue was full. */
export function queueOf({ raw }: ScheduleDescription): { queued: number; dropped: number } {
  return { queued: Number(raw.info?.bufferSize ?? 0), dropped: Number(raw.info?.bufferDropped ?? 0) };
}

/** Temporal answers no more times than these at once. */
const TIMES_A_PAGE = 1000;

/** The times of a schedule from one to another, both included, in order, as Temporal counts them. */
export async function* scheduledTimes(
  client: Client,
  source: string,
  from: Date,
  to: Date,
): AsyncGenerator<Date> {
  // Temporal leaves out a time that is the beginning, and schedules have no parts of a second.
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
    if (startTime.length < TIMES_A_PAGE) return;
  }
}

/** A run that a schedule started. */
export interface StartedRun {
  readonly workflowId: string;
  readonly runId: string;
  /** The time that it is for, in milliseconds since the epoch. */
  readonly scheduledMs: number;
  /** As RUNNING or COMPLETED; WAITING while it waits for a person. */
  readonly state: string;
}

/**
 * The latest run of each time of a schedule, by that time in milliseconds. Temporal tells of runs with a
 * little delay, and forgets them when its retention is over.
 */
export async function scheduledRunsOf(
  client: Client,
  source: string,
  from: Date,
  to: Date,
): Promise<Map<number, StartedRun>> {
  // Temporal on SQLite compares these times as texts, and leaves out one that is a bound.
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
    const running = run.status.name === 'RUNNING';
    const waits = running && run.typedSearchAttributes.get(STEP) === 'waiting';
    const { workflowId, runId } = run;
    latest.set(scheduledMs, {
      workflowId,
      runId,
      scheduledMs,
      startedMs,
      state: waits ? 'WAITING' : run.status.name,
    });
  }
  return latest;
}

/** The id of a run of the schedule that waits for a person, and so holds up those that are queued. */
export async function waitingRunOf(client: Client, source: string): Promise<string | undefined> {
  const query =
    `${SCHEDULED_BY.name} = '${scheduleIdOf(source)}' AND ${STEP.name} = 'waiting' ` +
    `AND ExecutionStatus = 'Running'`;
  for await (const run of client.workflow.list({ query, pageSize: 1 })) return run.workflowId;
  return undefined;
}
