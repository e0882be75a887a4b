import { createLogger } from '../../adapters/log.ts';
import { Warehouse } from '../../adapters/delta/warehouse.ts';
import { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import type { Settings } from '../../model/settings.ts';

/** The logger of the command line: it keeps still unless LOG_LEVEL says otherwise, for errors are printed. */
export function clientLogger() {
  return createLogger('pipeline', process.env['LOG_LEVEL'] ?? 'error');
}

/** The tables, for a command that reads them. */
export function openWarehouse({ hdfs, limits }: Settings): Warehouse {
  const logger = clientLogger();
  return new Warehouse(hdfs.warehouse, {
    hdfs: new WebHdfs({ ...hdfs, logger }),
    logger,
    checkpointInterval: limits.checkpointInterval,
  });
}
