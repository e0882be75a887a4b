import type { DeltaTable } from '../../adapters/delta/table.ts';
import { PipelineError } from '../../model/errors.ts';
import type { EraseRequest, StartedErasure } from '../../model/erasure.ts';
import { BATCH_TABLES, DERIVED_TABLES, deliveries } from '../../tables/index.ts';
import { createTable, type Transactions } from '../landing/added-tables.ts';
import { erasureAppId, parsePartitionAppId } from '../landing/transaction-ids.ts';
import type { RunContext } from '../run-context.ts';
import { eraseInfo, type ErasureDeps } from './deps.ts';
import { requireKey } from './erased-persons.ts';
import { PersonKey } from './person-key.ts';
import { SuppressionList } from './suppression-list.ts';

/**
 * Puts persons on the suppression list, and makes every table refuse files that were written without it. So whatever is
 * committed afterwards has nothing of them, and whatever was committed before is in the tables' newest versions. Idempotent.
 * @throws {PipelineError} ERASURE_KEY_MISSING, ERASURE_KEY_CHANGED, ERASURE_UNFINISHED_BATCH while a batch is in some tables
 * only; TABLE_REWRITTEN, TABLE_LOG_INVALID
 * @throws {HdfsError}
 */
export async function suppress(
  { warehouse, settings }: Pick<ErasureDeps, 'warehouse' | 'settings'>,
  run: RunContext,
  { source, persons, requestedBy }: EraseRequest,
): Promise<StartedErasure> {
  const { runId } = run.execution;
  const key = PersonKey.read(settings.erasure);
  const list = new SuppressionList(warehouse);
  requireKey(key, source, (await list.read([source])).get(source)?.keyIds ?? new Set());
  const at = new Date().toISOString();
  const suppression = { keyId: key.id, runId, requestedBy, at, persons: [...new Set(persons)] };
  const number = await list.add(source, suppression);
  const versions = new Map([[erasureAppId(source), BigInt(number)]]);
  for (const table of BATCH_TABLES) {
    await createTable(warehouse, table, runId);
    await warehouse.table(table.name).raiseVersions(versions, eraseInfo(run, source), runId);
  }
  await requireWholeBatches(warehouse.table(deliveries.name), (name) => warehouse.table(name));
  return { source, number };
}

/**
 * Makes sure that no batch is in other tables but not yet in `deliveries`: its messages could not be found.
 * @throws {PipelineError} ERASURE_UNFINISHED_BATCH
 */
async function requireWholeBatches(last: DeltaTable, tableOf: (name: string) => DeltaTable): Promise<void> {
  const heads = await Promise.all(
    DERIVED_TABLES.map(async ({ name }) => ({ name, txns: (await tableOf(name).head())?.txns })),
  );
  // Read last, so that a batch that lands meanwhile is whole.
  const landed = (await last.head())?.txns ?? new Map<string, bigint>();
  for (const { name, txns = new Map<string, bigint>() } of heads) {
    const ahead = aheadOf(txns, landed);
    if (ahead === undefined) continue;
    throw new PipelineError(
      'ERASURE_UNFINISHED_BATCH',
      `${name} has ${ahead} up to offset ${txns.get(ahead) ?? 0n}, ${deliveries.name} only up to ${landed.get(ahead) ?? 0n}: ` +
        'a batch landed in part, so its rows cannot be told apart yet',
    );
  }
}

/** Returns a partition in which a table is ahead of `deliveries`. */
function aheadOf(txns: Transactions, landed: Transactions): string | undefined {
  return [...txns].find(
    ([appId, version]) =>
      parsePartitionAppId(appId) !== undefined && version > (landed.get(appId) ?? -1n) && version > 0n,
  )?.[0];
}
