import { z } from 'zod';
import { VARIABLE } from './settings-values.ts';

/** The schema of the erasure of persons. */
export const Erasure = z
  .strictObject({
    keyVariable: VARIABLE.optional().describe(
      'The name of the environment variable that holds the secret key by which persons’ keys are hashed, at least 32 bytes; workers and the command `erase` need it. Never the key itself. Without the key that the first erasure used, later runs of the source cannot land.',
    ),
  })
  .describe('The erasure of persons from the tables.');

/** The settings of the erasure of persons. */
export type ErasureSettings = z.infer<typeof Erasure>;
