import { join } from 'node:path';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { RunStaging } from '../../adapters/staging/run-staging.ts';
import { Staging } from '../../adapters/staging/staging.ts';
import type { FoundMessages } from '../../model/erasure.ts';
import type { Settings } from '../../model/settings.ts';
import { ErasedPersons } from '../../steps/erasure/erased-persons.ts';
import { scanTables } from '../../steps/erasure/find-messages.ts';
import type { PersonKey } from '../../steps/erasure/person-key.ts';
import { withTemporaryFolder } from '../cli/interrupt.ts';

/**
 * Counts the messages of persons that an erasure would find now. Read-only.
 * @param persons Keyed hashes.
 * @throws {PipelineError} If HDFS cannot be reached.
 */
export async function countMessages(
  { settings, warehouse }: { readonly settings: Settings; readonly warehouse: Warehouse },
  key: PersonKey,
  { source, persons }: { readonly source: string; readonly persons: readonly string[] },
): Promise<FoundMessages> {
  return withTemporaryFolder(async (folder) => {
    const staging = await Staging.open(join(folder, 'staging'), Infinity);
    const execution = { workflowId: 'dry-run', runId: 'dry-run' };
    const own = RunStaging.of(staging, execution);
    const suppressed = { number: 0, keyIds: new Set([key.id]), persons: new Set(persons) };
    const erased = new ErasedPersons(settings.erasure, new Map([[source, suppressed]]));
    const run = { execution, attempt: 1, signal: new AbortController().signal, seconds: () => 0 };
    const found = await scanTables({ warehouse, staging, own }, run, { source, persons: erased });
    return { messages: found.messages.size, records: found.records.size };
  });
}
