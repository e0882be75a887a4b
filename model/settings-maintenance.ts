import { z } from 'zod';
import { DURATION_EXAMPLES, formatDuration, parseDuration } from './duration.ts';
import { ScheduleKeyError, parseSchedule, type ScheduleInput } from './schedule-input.ts';

const DURATION = z
  .string()
  .refine((text) => parseDuration(text) !== undefined, `must be a duration, as ${DURATION_EXAMPLES}`);

const MaintenanceSchedule = z
  .strictObject({
    every: z
      .string()
      .optional()
      .describe(
        'The interval between two runs of upkeep, as `1h` or `1d`, counted from 1970 in UTC. Either this or `cron`.',
      ),
    cron: z.string().optional().describe('A cron expression, as `"15 * * * *"`.'),
    timezone: z
      .string()
      .optional()
      .describe('The time zone of `cron`, as `Europe/Berlin`; the default is UTC.'),
  })
  .superRefine((schedule: ScheduleInput, context) => {
    try {
      parseSchedule(schedule, undefined, (key) => key);
    } catch (error) {
      if (!(error instanceof ScheduleKeyError)) throw error;
      const path = error.word === undefined ? [] : [error.word];
      context.addIssue({ code: 'custom', path, message: error.message, input: schedule });
    }
  })
  .describe(
    'When upkeep runs by itself. It takes effect with `npx pipeline schedule apply`, which writes it to Temporal.',
  );

/** 30 days. */
const MIN_TRANSACTION_RETENTION_S = 30 * 86_400;

/** The schema of the upkeep of the tables. */
export const Maintenance = z
  .strictObject({
    targetBytes: z
      .int()
      .min(2 ** 10)
      .max(2 ** 30)
      .default(2 ** 27)
      .describe(
        'The size of the files that small files are merged into, in bytes. A table’s property `delta.targetFileSize` wins.',
      ),
    openPartitionFiles: z
      .int()
      .min(2)
      .default(50)
      .describe(
        'The number of small files from which a source’s partition of the current day is compacted. Partitions of past days are compacted at once.',
      ),
    logRetention: DURATION.default('30d').describe(
      'How long the entries of a table’s log are kept, and with them its older versions. A table’s property `delta.logRetentionDuration` wins.',
    ),
    fileRetention: DURATION.default('7d').describe(
      'How long a data file is kept after it was replaced or left behind. Must be longer than any query runs; older versions of a table can be read as long as their files are kept. A table’s property `delta.deletedFileRetentionDuration` wins.',
    ),
    transactionRetention: DURATION.refine(
      (text) => (parseDuration(text) ?? 0) >= MIN_TRANSACTION_RETENTION_S,
      `must be a duration of at least ${formatDuration(MIN_TRANSACTION_RETENTION_S)}`,
    )
      .default('400d')
      .describe(
        'How long a table remembers which contents, runs, chunks and replays it has. A content that comes again later is not recognised as unchanged. Must be longer than a run may wait for a person.',
      ),
    schedule: MaintenanceSchedule.optional(),
  })
  .describe('The upkeep of the tables: compaction, clean-up of the log, and removal of unused files.');

/** The settings of upkeep. */
export type MaintenanceSettings = z.infer<typeof Maintenance>;

/** Returns a duration of the settings in milliseconds. */
export function durationMs(text: string): number {
  return (parseDuration(text) ?? 0) * 1000;
}
