import { PipelineError } from '../model/errors.ts';
import { contracts } from './contracts.ts';
import { deliveries } from './deliveries.ts';
import { erasures } from './erasures.ts';
import { quarantine } from './quarantine.ts';
import { replays } from './replays.ts';
import { runs } from './runs.ts';
import type { Table } from './table.ts';
import type { View } from './views.ts';

/** The tables of the contracts, whose rows can be derived again from `deliveries`. */
export const REBUILDABLE_TABLES: readonly Table[] = contracts().flatMap(({ tables }) => tables);

/** The tables derived from a batch's messages. */
export const DERIVED_TABLES: readonly Table[] = [quarantine, ...REBUILDABLE_TABLES];

/** The tables that a batch fills, in commit order: once a batch is in `deliveries`, it is complete. */
export const BATCH_TABLES: readonly Table[] = [...DERIVED_TABLES, deliveries];

/** All tables, each after those that it refers to; readers that need consistency read them in reverse. */
export const TABLES: readonly Table[] = [...BATCH_TABLES, replays, runs, erasures];

/** The views over the tables, which only the command line has. */
export const VIEWS: readonly View[] = contracts().flatMap(({ views }) => views);

export { deliveries, erasures, quarantine, replays, runs };

/**
 * Returns a table by its name.
 * @throws {PipelineError} TABLE_UNKNOWN, listing the tables.
 */
export function tableNamed(name: string): Table {
  const table = TABLES.find((known) => known.name === name);
  if (table !== undefined) return table;
  const known = TABLES.map((one) => one.name).join(', ');
  throw new PipelineError('TABLE_UNKNOWN', `there is no table ${JSON.stringify(name)}; there are: ${known}`);
}
