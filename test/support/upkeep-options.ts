import { z } from 'zod';

/** The arguments of `upkeep-program.ts`. */
export const UpkeepOptions = z.strictObject({
  settingsFile: z.string(),
  /** The address of the NameNode, or of a proxy before it. */
  nameNode: z.string(),
  /** The staging folder. */
  staging: z.string(),
  tables: z.array(z.string()),
  /** The time of all commits and comparisons, in milliseconds since 1970. */
  nowMs: z.number(),
  /** The ids of the runs that have not ended. */
  openRuns: z.array(z.string()),
  /** Whether it merges files, and deletes none. */
  compactsOnly: z.boolean(),
});

/** See {@link UpkeepOptions}. */
export type UpkeepOptions = z.infer<typeof UpkeepOptions>;

/** The output of `upkeep-program.ts`. */
export const UpkeepOutput = z.array(
  z.strictObject({
    table: z.string(),
    compacted: z.strictObject({ files: z.int(), writtenBytes: z.int() }),
    logFiles: z.int(),
    dataFiles: z.int(),
  }),
);
