import { z } from 'zod';
import { WordError, readSchedule, type ScheduleWords } from './schedule-words.ts';

/** The schedule of a source. */
export const Schedule = z
  .strictObject({
    every: z
      .string()
      .optional()
      .describe('A run at each multiple of this since 1970 in UTC, as `15m`, `1h` or `1d`. This or `cron`.'),
    cron: z
      .string()
      .optional()
      .describe(
        'A run at these times: minute, hour, day of month, month, day of week, as `"0 3 * * *"`. Whether it is an expression is found by `schedule apply`, which asks Temporal.',
      ),
    timezone: z.string().optional().describe('The time zone of `cron`, as `Europe/Berlin`; without it, UTC.'),
    interval: z
      .string()
      .optional()
      .describe(
        'How much each run asks the customer for, as `1h`, where the url has `{from}` or `{to}`; without it, as much as `every` says.',
      ),
    catchUp: z
      .string()
      .optional()
      .describe('How long ago the times may be that run once Temporal is back, as `3d`; without it, 3 days.'),
    paused: z
      .boolean()
      .optional()
      .describe(
        'Whether it starts no runs; without it, that stays as it is, and a new schedule starts them.',
      ),
    note: z
      .string()
      .min(1)
      .optional()
      .describe('What a person should know of it; without it, a note stays as it is.'),
  })
  .describe(
    'When runs of the source start by themselves. It holds once `npx pipeline schedule apply` has brought it to Temporal ([schedules](schedules.md)).',
  );

/** Makes sure that a schedule fits itself and its source, and names the key that does not. */
export function requireSchedule(
  source: { readonly url?: string | undefined; readonly schedule?: ScheduleWords | undefined },
  context: z.core.$RefinementCtx,
): void {
  const { url, schedule } = source;
  if (schedule === undefined) return;
  try {
    readSchedule(schedule, url, (word) => word);
  } catch (error) {
    if (!(error instanceof WordError)) throw error;
    const path = ['schedule', ...(error.word === undefined ? [] : [error.word])];
    context.addIssue({ code: 'custom', path, message: error.message, input: source });
  }
}
