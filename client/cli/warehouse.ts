import { createLogger } from '../../adapters/log.ts';
import { Warehouse } from '../../adapters/delta/warehouse.ts';
import { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import type { Settings } from '../../model/settings.ts';
import { transactionRetention } from '../../steps/landing/transaction-ids.ts';

/** Creates the logger of the command line. It logs only errors unless LOG_LEVEL is set, since commands print results. */
export function clientLogger() {
  return createLogger('pipeline', process.env['LOG_LEVEL'] ?? 'error');
}

/** Opens the warehouse for commands that read the tables. */
export function openWarehouse({ hdfs, limits, maintenance }: Settings): Warehouse {
  const logger = clientLogger();
  return new Warehouse(hdfs.warehouse, {
    hdfs: new WebHdfs({ ...hdfs, logger }),
    logger,
    checkpointInterval: limits.checkpointInterval,
    transactionRetention: transactionRetention(maintenance),
  });
}
