import { Warehouse } from '../adapters/delta/warehouse.ts';
import { WebHdfs } from '../adapters/hdfs/webhdfs.ts';
import type { Logger } from '../adapters/log.ts';
import type { Settings } from '../model/settings.ts';
import { durationMs } from '../model/settings-maintenance.ts';
import { transactionRetention } from './landing/transaction-ids.ts';

/** Opens the warehouse of the settings; sends no request. */
export function warehouseOf(
  { hdfs, limits, maintenance }: Pick<Settings, 'hdfs' | 'limits' | 'maintenance'>,
  logger: Logger,
): Warehouse {
  return new Warehouse(hdfs.warehouse, {
    hdfs: new WebHdfs({ ...hdfs, logger }),
    logger,
    checkpointInterval: limits.checkpointInterval,
    fileRetentionMs: durationMs(maintenance.fileRetention),
    transactionRetention: transactionRetention(maintenance),
  });
}
