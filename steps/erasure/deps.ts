import type { OperationInfo } from '../../adapters/delta/entries.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { KafkaOptions } from '../../adapters/kafka/client.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import type { Staging } from '../../adapters/staging/staging.ts';
import type { Settings } from '../../model/settings.ts';
import type { RunContext } from '../run-context.ts';

/** The services and settings of the steps of an erasure. */
export interface ErasureDeps {
  readonly settings: Pick<Settings, 'erasure' | 'sources'>;
  readonly warehouse: Warehouse;
  readonly kafka: KafkaOptions;
  readonly staging: Pick<Staging, 'reserve'>;
  readonly own: RunStaging;
}

/** Returns the fields of `commitInfo` of an erasure's entries. */
export function eraseInfo({ execution: { workflowId, runId } }: RunContext, source: string): OperationInfo {
  return { operation: 'ERASE', operationParameters: { source }, runId, workflowId };
}
