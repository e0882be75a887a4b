import type { TestPipeline, IngestHandle } from '../test/support/harness.ts';

/** Execution of an activity of a run, in milliseconds since 1970. */
export interface ActivityTime {
  readonly activity: string;
  /** The worker that ran it. */
  readonly worker: string;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** Histories of a run: it has several where it continued as new. */
export interface RunHistory {
  /** The completed activities, in the order of their ends. */
  readonly activities: readonly ActivityTime[];
  /** Number of events of each history. */
  readonly lengths: readonly number[];
}

/** Reads a run's history from Temporal. */
export async function historyOf({ client }: TestPipeline, handle: IngestHandle): Promise<RunHistory> {
  const activities: ActivityTime[] = [];
  const lengths: number[] = [];
  let runId: string | null | undefined = handle.firstExecutionRunId;
  while (typeof runId === 'string' && runId !== '') {
    const { events } = await client.workflow.getHandle(handle.workflowId, runId).fetchHistory();
    activities.push(...completedIn(events ?? []));
    lengths.push(events?.length ?? 0);
    runId = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  }
  return { activities, lengths };
}

type Events = NonNullable<Awaited<ReturnType<IngestHandle['fetchHistory']>>['events']>;

function completedIn(events: Events): ActivityTime[] {
  const byId = new Map(events.map((event) => [Number(event.eventId), event]));
  return events.flatMap((event) => {
    const completed = event.activityTaskCompletedEventAttributes;
    if (completed === null || completed === undefined) return [];
    const scheduled = byId.get(Number(completed.scheduledEventId))?.activityTaskScheduledEventAttributes;
    const started = byId.get(Number(completed.startedEventId));
    return [
      {
        activity: scheduled?.activityType?.name ?? '',
        worker: started?.activityTaskStartedEventAttributes?.identity ?? '',
        startedMs: milliseconds(started?.eventTime),
        endedMs: milliseconds(event.eventTime),
      },
    ];
  });
}

function milliseconds(time: Events[number]['eventTime']): number {
  return Number(time?.seconds ?? NaN) * 1000 + (time?.nanos ?? 0) / 1e6;
}

/** Returns the time from the start of the first activity of a name to the end of the last one. */
export function spanOf(activities: readonly ActivityTime[], name: string): { fromMs: number; toMs: number } {
  const named = activities.filter(({ activity }) => activity === name);
  if (named.length === 0) throw new TypeError(`no ${name} has ended`);
  return {
    fromMs: Math.min(...named.map(({ startedMs }) => startedMs)),
    toMs: Math.max(...named.map(({ endedMs }) => endedMs)),
  };
}
