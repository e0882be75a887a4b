import { readHistory, type LogEntry } from '../../adapters/delta/history.ts';
import type { AddFile } from '../../adapters/delta/actions.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { partitionAppId } from '../../steps/landing/transaction-ids.ts';
import { PipelineError } from '../../model/errors.ts';
import type { Table } from '../../tables/table.ts';
import { entryHash, type Proof } from './proofs.ts';
import type { Snapshots } from './tables.ts';

/** The part of a warehouse that is verified: everything, or what was added since a proof. */
export interface VerifyScope {
  /** The proof that is continued; null if everything is verified. */
  readonly proof: Proof | null;
  /** The log entries of each existing table: those since the proof, or all that its log still has. */
  readonly histories: ReadonlyMap<Table, readonly LogEntry[]>;
  /** The offset (exclusive) up to which the proof goes, by `topic/partition`; empty without one. */
  readonly provedTo: ReadonlyMap<string, number>;
  readonly originOf: (table: Table, file: AddFile) => ProofOrigin;
}

/** Whether a file is part of the proof, or was added later: with new rows, or with rows of files that it replaced. */
export type ProofOrigin = 'proved' | 'new' | 'rewritten';

/** Returns the scope of everything. */
export async function wholeScope(warehouse: Warehouse, snapshots: Snapshots): Promise<VerifyScope> {
  const histories = await readHistories(warehouse, snapshots, () => -1);
  return { proof: null, histories, provedTo: new Map(), originOf: () => 'new' };
}

/**
 * Returns the scope of what was added since a proof.
 * @throws {PipelineError} PROOF_OUTDATED when the proof does not hold for the earlier rows any more: a log was replaced
 * or cleaned up past it, or a commit removed rows.
 */
export async function scopeSince(
  warehouse: Warehouse,
  snapshots: Snapshots,
  proof: Proof,
): Promise<VerifyScope> {
  const versionOf = ({ name }: Table): number => proof.tables[name]?.version ?? -1;
  for (const [name, { version, entrySha256 }] of Object.entries(proof.tables))
    if ((await entryHash(warehouse, name, version)) !== entrySha256)
      throw outdated(proof, `the log of ${name} does not have the version ${version} of then`);
  const histories = await readHistories(warehouse, snapshots, versionOf);
  const origins = new Map<Table, ReadonlyMap<string, ProofOrigin>>();
  for (const [table, entries] of histories) {
    requireKept(proof, table, entries);
    const added = entries.flatMap((entry) => entry.added);
    origins.set(
      table,
      new Map(added.map(({ path, dataChange }) => [path, dataChange ? 'new' : 'rewritten'] as const)),
    );
  }
  return {
    proof,
    histories,
    provedTo: new Map(
      proof.partitions.map(({ topic, partition, to }) => [partitionAppId(topic, partition), to]),
    ),
    originOf: (table, { path }) => origins.get(table)?.get(path) ?? 'proved',
  };
}

/** @throws {PipelineError} PROOF_OUTDATED when an entry removed rows */
function requireKept(proof: Proof, { name }: Table, entries: readonly LogEntry[]): void {
  const change = entries.find(({ actions }) =>
    actions.some(({ remove }) => remove && remove.dataChange !== false),
  );
  if (change === undefined) return;
  const operation = typeof change.info['operation'] === 'string' ? ` (${change.info['operation']})` : '';
  throw outdated(proof, `version ${change.version}${operation} of ${name} removed rows since`);
}

function outdated({ provedAt }: Proof, why: string): PipelineError {
  return new PipelineError('PROOF_OUTDATED', `the proof of ${provedAt} does not hold any more: ${why}`);
}

async function readHistories(
  warehouse: Warehouse,
  snapshots: Snapshots,
  versionOf: (table: Table) => number,
): Promise<Map<Table, LogEntry[]>> {
  const existing = [...snapshots].filter((entry): entry is [Table, Snapshot] => entry[1] !== undefined);
  const histories = new Map<Table, LogEntry[]>();
  for (const [table, { version }] of existing) {
    const { path } = warehouse.table(table.name);
    const range = { after: versionOf(table), upTo: version };
    histories.set(table, await readHistory(warehouse.options.hdfs, path, range));
  }
  return histories;
}
