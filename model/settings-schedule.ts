import { z } from 'zod';
import { ScheduleKeyError, parseSchedule, type ScheduleInput } from './schedule-input.ts';
import { templatesOf } from './settings-source.ts';

/** The schema of a source's schedule. */
export const Schedule = z
  .strictObject({
    every: z
      .string()
      .optional()
      .describe(
        'The interval between runs, as `15m`, `1h` or `1d`, counted from 1970 in UTC. Either this or `cron`.',
      ),
    cron: z
      .string()
      .optional()
      .describe(
        'A cron expression: minute, hour, day of month, month, day of week, as `"0 3 * * *"`. `schedule apply` has Temporal check it.',
      ),
    timezone: z
      .string()
      .optional()
      .describe('The time zone of `cron`, as `Europe/Berlin`; the default is UTC.'),
    interval: z
      .string()
      .optional()
      .describe(
        'The length of the interval that each run requests, as `1h`, if the url has `{from}` or `{to}`; the default is `every`.',
      ),
    catchUp: z
      .string()
      .optional()
      .describe(
        'The catch-up window: after an outage of Temporal, runs missed within it are started, as `3d`; the default is 3 days.',
      ),
    paused: z
      .boolean()
      .optional()
      .describe(
        'Whether the schedule is paused; without it, the current state is kept, and a new schedule is active.',
      ),
    note: z.string().min(1).optional().describe('A note for people; without it, the current note is kept.'),
  })
  .describe(
    'When runs of the source start by themselves. It takes effect with `npx pipeline schedule apply`, which writes it to Temporal ([schedules](schedules.md)).',
  );

/** Adds an issue, at the wrong key, for a schedule that is inconsistent with itself or with its source's url. */
export function requireSchedule(
  source: Parameters<typeof templatesOf>[0] & { readonly schedule?: ScheduleInput | undefined },
  context: z.core.$RefinementCtx,
): void {
  const { schedule } = source;
  if (schedule === undefined) return;
  try {
    parseSchedule(schedule, templatesOf(source), (word) => word);
  } catch (error) {
    if (!(error instanceof ScheduleKeyError)) throw error;
    const path = ['schedule', ...(error.word === undefined ? [] : [error.word])];
    context.addIssue({ code: 'custom', path, message: error.message, input: source });
  }
}
