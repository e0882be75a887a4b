import { z } from 'zod';
import { TABLES } from '../tables/index.ts';
import { COUNT, type SchemaShape } from './input-values.ts';
import type { CommitRebuildRequest, RebuildPartRequest } from './rebuild.ts';
import type { TableRequest } from './upkeep.ts';

const TABLE = z.strictObject({
  table: z.enum(TABLES.map(({ name }) => name)),
} satisfies SchemaShape<TableRequest>);

const COMMIT_REBUILD = z.strictObject({
  ...TABLE.shape,
  plan: z.string().regex(/^[0-9a-f]{64}$/),
} satisfies SchemaShape<CommitRebuildRequest>);

/** The schemas of the inputs of upkeep and rebuilds, by activity. */
export const TABLE_INPUTS = {
  compact: TABLE,
  cleanLog: TABLE,
  vacuum: TABLE,
  planRebuild: TABLE,
  rebuildPart: z.strictObject({
    ...COMMIT_REBUILD.shape,
    part: COUNT,
  } satisfies SchemaShape<RebuildPartRequest>),
  commitRebuild: COMMIT_REBUILD,
};
