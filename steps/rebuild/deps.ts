import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import type { Staging } from '../../adapters/staging/staging.ts';
import { PipelineError } from '../../model/errors.ts';
import { REBUILDABLE_TABLES, tableNamed } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import type { DeliveriesTask, DerivedFiles } from './transform-deliveries.ts';

/** The services of the steps of a rebuild, and the run's staged files. */
export interface RebuildDeps {
  readonly warehouse: Warehouse;
  readonly staging: Pick<Staging, 'reserve'>;
  readonly own: Pick<RunStaging, 'folder' | 'locate' | 'makeFreshFolder' | 'remove'>;
  readonly settings: DeliveriesTask['settings'];
  /** Runs `transformDeliveries` in a worker thread. */
  readonly transform: (task: DeliveriesTask) => Promise<DerivedFiles>;
}

/**
 * Returns a table that can be rebuilt.
 * @throws {PipelineError} TABLE_UNKNOWN; TABLE_NOT_DERIVED for a table whose rows are not in `deliveries`
 */
export function rebuildableTable(name: string): Table {
  const table = tableNamed(name);
  if (REBUILDABLE_TABLES.includes(table)) return table;
  const names = REBUILDABLE_TABLES.map((one) => one.name).join(', ');
  throw new PipelineError(
    'TABLE_NOT_DERIVED',
    `the rows of ${name} are not in deliveries, so it cannot be rebuilt; these tables can: ${names}`,
  );
}
