import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import { durationMs, type MaintenanceSettings } from '../../model/settings-maintenance.ts';
import type { Staging } from '../../adapters/staging/staging.ts';

/** The limits of upkeep, in bytes, files and milliseconds. A table's own `delta.*` properties win. */
export interface UpkeepLimits {
  /** The size of a file that compaction aims at. */
  readonly targetBytes: number;
  /** The number of small files from which a partition of the current day is compacted. */
  readonly openPartitionFiles: number;
  /** How long entries of the log are kept. */
  readonly logRetentionMs: number;
  /** How long files that are not live are kept. */
  readonly fileRetentionMs: number;
}

/** The services and limits of the steps of upkeep. */
export interface UpkeepDeps {
  readonly warehouse: Warehouse;
  readonly limits: UpkeepLimits;
  readonly staging: Pick<Staging, 'reserve'>;
  readonly own: Pick<RunStaging, 'locate' | 'makeFreshFolder' | 'remove'>;
  /** Returns the ids of all runs that have not ended, also of those that wait for a decision. */
  readonly openRunIds: () => Promise<ReadonlySet<string>>;
}

/** Returns the limits of upkeep as the settings have them. */
export function upkeepLimits(settings: MaintenanceSettings): UpkeepLimits {
  const { targetBytes, openPartitionFiles, logRetention, fileRetention } = settings;
  return {
    targetBytes,
    openPartitionFiles,
    logRetentionMs: durationMs(logRetention),
    fileRetentionMs: durationMs(fileRetention),
  };
}
