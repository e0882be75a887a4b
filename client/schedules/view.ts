import type { ScheduleDescription } from '@temporalio/client';
import { formatDuration } from '../../model/duration.ts';
import type { Settings } from '../../model/settings.ts';
import { formatTable, formatTime } from '../cli/output.ts';
import { formatTiming, planFromDescription } from './plan.ts';
import { queueOf } from './temporal.ts';

/** A source's schedule, as `list --json` and `show --json` print it. Times are in UTC. */
export interface ScheduleView {
  readonly source: string;
  readonly schedule: string;
  readonly when: string;
  readonly interval: string | null;
  readonly state: 'active' | 'paused';
  readonly note: string | null;
  readonly overlap: string;
  readonly catchupWindow: string;
  readonly next: readonly string[];
  /** The latest runs, oldest first. */
  readonly runs: readonly { readonly run: string; readonly scheduled: string; readonly started: string }[];
  readonly running: readonly string[];
  /** Runs that wait for the current one to end. */
  readonly queued: number;
  /** Times without a run because an earlier run was still running. */
  readonly skipped: number;
  /** Times without a run because Temporal was down for longer than the catch-up window. */
  readonly missed: number;
  /** Times without a run because the queue was full. */
  readonly dropped: number;
  readonly url: string;
}

/** Returns the view of a schedule. */
export function toScheduleView(
  settings: Settings,
  source: string,
  described: ScheduleDescription,
): ScheduleView {
  const { info, policies, state, scheduleId } = described;
  const { timing, interval } = planFromDescription(source, described);
  const path = [settings.temporal.namespace, 'schedules', scheduleId].map(encodeURIComponent).join('/');
  return {
    source,
    schedule: scheduleId,
    when: formatTiming(timing),
    interval: interval === undefined ? null : formatDuration(interval),
    state: state.paused ? 'paused' : 'active',
    note: state.note === undefined || state.note === '' ? null : state.note,
    overlap: policies.overlap ?? 'SKIP',
    catchupWindow: formatDuration(policies.catchupWindow / 1000),
    next: state.paused ? [] : info.nextActionTimes.map(formatTime),
    runs: info.recentActions.map(({ action, scheduledAt, takenAt }) => ({
      run: action.workflow.workflowId,
      scheduled: formatTime(scheduledAt),
      started: formatTime(takenAt),
    })),
    running: info.runningActions.map(({ workflow }) => workflow.workflowId),
    ...queueOf(described),
    skipped: info.numActionsSkippedOverlap,
    missed: info.numActionsMissedCatchupWindow,
    url: `${settings.temporal.uiUrl}/namespaces/${path}`,
  };
}

/** Formats schedules as a table for people. */
export function formatSchedules(views: readonly ScheduleView[]): string[] {
  return formatTable(
    ['source', 'when', 'interval', 'state', 'next', 'last run', 'note'],
    views.map((view) => [
      view.source,
      view.when,
      view.interval ?? 'all',
      view.state,
      view.next[0] ?? '',
      view.runs.at(-1)?.scheduled ?? '',
      view.note ?? '',
    ]),
  );
}

const OVERLAP_MEANINGS: Readonly<Record<string, string>> = {
  SKIP: 'a time that comes during a run is skipped; the next run ingests its records too',
  BUFFER_ALL: 'a time that comes during a run is queued; all of them run, in order',
};

/** Formats one schedule for people, with its latest runs. */
export function formatSchedule(view: ScheduleView): string[] {
  const range = view.interval === null ? 'the whole source' : `the ${view.interval} before its time`;
  const lines = [
    `${view.source}: ${view.when}, each run ingests ${range}; ${view.state}`,
    ...(view.note === null ? [] : [`note: ${view.note}`]),
    `overlap ${view.overlap}: ${OVERLAP_MEANINGS[view.overlap] ?? 'see Temporal’s documentation'}`,
    `catch-up window ${view.catchupWindow}: times missed while Temporal was down run when it is back`,
    ...(view.next.length === 0 ? [] : [`next: ${view.next.slice(0, 3).join(', ')}`]),
    ...view.running.map((run) => `running: ${run}`),
    ...(view.queued === 0 ? [] : [`queued: ${view.queued}`]),
    ...formatMissing(view),
  ];
  if (view.runs.length > 0) {
    const rows = view.runs.map((run) => Object.values(run));
    lines.push(...formatTable(['latest runs', 'scheduled for', 'started'], rows));
  }
  return [...lines, view.url];
}

/** Formats the counts of intervals without a run. Without an interval nothing is lost: the next run fetches it all. */
function formatMissing({ source, interval, skipped, missed, dropped }: ScheduleView): string[] {
  if (interval === null || skipped + missed + dropped === 0) return [];
  return [
    `intervals without a run: ${skipped} skipped, ${missed} outside the catch-up window, ${dropped} dropped from the full queue;`,
    `  run them with: pipeline schedule backfill ${source} --from TIME --to TIME`,
  ];
}
