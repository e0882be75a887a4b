import { createLogger } from '../../adapters/log.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { Settings } from '../../model/settings.ts';
import { warehouseOf } from '../../steps/warehouse-of.ts';

/** Creates the logger of the command line. It logs only errors unless LOG_LEVEL is set, since commands print results. */
export function clientLogger() {
  return createLogger('pipeline', process.env['LOG_LEVEL'] ?? 'error');
}

/** Opens the warehouse for a command. */
export function openWarehouse(settings: Settings): Warehouse {
  return warehouseOf(settings, clientLogger());
}
