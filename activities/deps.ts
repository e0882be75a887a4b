import type { KafkaWithMarkers } from '../adapters/kafka/client.ts';
import type { Logger } from '../adapters/log.ts';
import type { Staging } from '../adapters/staging/staging.ts';
import type { Warehouse } from '../adapters/delta/warehouse.ts';
import type { Settings } from '../model/settings.ts';

/** The services and settings of the activities, one set per worker. */
export interface ActivityDeps {
  readonly settings: Settings;
  readonly kafka: KafkaWithMarkers;
  readonly warehouse: Warehouse;
  readonly staging: Staging;
  readonly logger: Logger;
  /** Returns the ids of all runs that have not ended, also of those that wait for a decision. */
  readonly openRunIds: () => Promise<ReadonlySet<string>>;
}
