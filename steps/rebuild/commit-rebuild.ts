import type { Action, AddFile } from '../../adapters/delta/actions.ts';
import { rewriteColumns } from '../../adapters/delta/columns.ts';
import { commitInfo, toSafeInteger } from '../../adapters/delta/entries.ts';
import { followFiles } from '../../adapters/delta/followed-files.ts';
import { readEntry, type LogEntry } from '../../adapters/delta/history.ts';
import type { PendingFile } from '../../adapters/delta/pending-files.ts';
import { removeActions } from '../../adapters/delta/replacement.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import type { DeltaTable } from '../../adapters/delta/table.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import { PipelineError } from '../../model/errors.ts';
import { formatCount } from '../../model/figures.ts';
import { deliveries } from '../../tables/index.ts';
import { deltaMetadata, type Table } from '../../tables/table.ts';
import { firstOffsetAppId, parsePartitionAppId } from '../landing/transaction-ids.ts';
import { firstOffsetsIn } from '../landing/added-tables.ts';
import type { RunContext } from '../run-context.ts';
import { erasedIdsIn } from '../erasure/erased-offsets.ts';
import { RebuildState, type RebuildPlan, type RebuiltPart } from './rebuild-plan.ts';
import { RefusalTally } from './refusals.ts';

/** The outcome of {@link commitRebuild}. */
export type RebuildOutcome =
  | { readonly outcome: 'committed'; readonly version: number; readonly replacedFiles: number }
  /** Another commit changed the table, so that the rebuild must be planned again. */
  | { readonly outcome: 'stale'; readonly changed: string }
  /** Parts that are not done, or whose files another program deleted; they must be done, again. */
  | { readonly outcome: 'incomplete'; readonly parts: readonly number[] };

const MAX_CONCURRENT_READS = 8;

/**
 * Replaces the files of a table by the rebuilt ones, in one entry. Files that landings added meanwhile stay, as do the
 * positions. Idempotent: the entry carries the plan's SHA-256, by which a retry finds it.
 * @throws {PipelineError} REBUILD_REFUSED if deliveries cannot become rows any more; an error of HDFS or of the log
 * @throws {HdfsError} When `ambiguous`, the entry may exist; calling again is safe.
 */
export async function commitRebuild(
  { warehouse }: { readonly warehouse: Warehouse },
  { execution }: Pick<RunContext, 'execution'>,
  { table, plan: id }: { readonly table: Table; readonly plan: string },
): Promise<RebuildOutcome> {
  const target = warehouse.open(table.name);
  const state = new RebuildState(target, execution.runId);
  const plan = await state.readPlan(id);
  if (plan?.table !== table.name) return { outcome: 'stale', changed: 'by the deletion of its plan' };
  const read = await mapConcurrent(MAX_CONCURRENT_READS, [...plan.parts.keys()], (part) =>
    state.readPart(id, part),
  );
  const incomplete = await incompleteParts(target, read);
  for (const part of incomplete) await state.forgetPart(id, part);
  if (incomplete.length > 0) return { outcome: 'incomplete', parts: incomplete };
  const parts = read.filter((part) => part !== undefined);
  requireAllAccepted(table, parts);
  const info = { runId: execution.runId, workflowId: execution.workflowId, rebuild: id };
  // Read for each attempt: an erasure adds an entry to the table before it looks for rows there.
  const erasedIds = async (): Promise<string[]> =>
    erasedIdsIn((await warehouse.open(deliveries.name).head())?.txns ?? new Map());
  const added = parts.flatMap(({ files }) => files);
  const swap = new Swap(target, table, { plan, added, info, erasedIds });
  const version = await target.append(execution.runId, (snapshot) => swap.decide(snapshot));
  return swap.outcome(version);
}

/** Returns the parts without a result, and those with a missing file, which someone deleted. */
async function incompleteParts(
  { pending }: DeltaTable,
  parts: readonly (RebuiltPart | undefined)[],
): Promise<number[]> {
  const missing = await pending.findMissing(parts.flatMap((part) => part?.files ?? []));
  return [...parts.keys()].filter(
    (index) => parts[index]?.files.every((file) => !missing.has(file)) !== true,
  );
}

/** @throws {PipelineError} REBUILD_REFUSED */
function requireAllAccepted({ name }: Table, parts: readonly RebuiltPart[]): void {
  const tally = new RefusalTally();
  for (const { refused } of parts) tally.addAll(refused);
  const { count, named } = tally.counts();
  if (count === 0) return;
  throw new PipelineError(
    'REBUILD_REFUSED',
    `${name} is not rebuilt: ${formatCount(count, 'message')} of deliveries cannot become rows any more: ` +
      `${named.join('; ')}${count > named.length ? '; …' : ''}`,
  );
}

interface RebuiltFiles {
  readonly plan: RebuildPlan;
  readonly added: readonly PendingFile[];
  /** Returns the application ids of erased messages that `deliveries` has now. */
  readonly erasedIds: () => Promise<string[]>;
  /** Fields of the entry's `commitInfo`. */
  readonly info: Readonly<Record<'runId' | 'workflowId' | 'rebuild', string>>;
}

interface SwapFiles {
  readonly replaced: readonly AddFile[];
  /** The metadata to set; undefined if the table has the right one. */
  readonly metadata: Snapshot['metadata'] | undefined;
}

interface PlacedFiles extends SwapFiles {
  readonly added: readonly AddFile[];
}

/** Decides on the entry that replaces the files of a table. */
class Swap {
  readonly #target: DeltaTable;
  readonly #table: Table;
  readonly #rebuilt: RebuiltFiles;
  #committed: number | undefined;
  #changed = '';
  #replacedFiles = 0;

  constructor(target: DeltaTable, table: Table, rebuilt: RebuiltFiles) {
    this.#target = target;
    this.#table = table;
    this.#rebuilt = rebuilt;
  }

  /** @param appended The version of the entry; undefined if none was appended. */
  outcome(appended: number | undefined): RebuildOutcome {
    const version = appended ?? this.#committed;
    return version === undefined
      ? { outcome: 'stale', changed: this.#changed }
      : { outcome: 'committed', version, replacedFiles: this.#replacedFiles };
  }

  /** Returns the entry; undefined if an earlier attempt committed it, or another commit changed the table. */
  async decide(snapshot: Snapshot): Promise<readonly Action[] | undefined> {
    const { plan, info } = this.#rebuilt;
    const entries = await this.#entriesSince(plan.version, snapshot.version);
    if (entries === undefined) {
      this.#changed = 'by the clean-up of its log';
      return undefined;
    }
    // Another run can have made the same plan, and transformed it with another version of this program.
    const earlier = entries.find(
      (entry) => entry.info['rebuild'] === info.rebuild && entry.info['runId'] === info.runId,
    );
    if (earlier !== undefined) {
      this.#committed = earlier.version;
      this.#replacedFiles = earlier.actions.filter(({ remove }) => remove).length;
      return undefined;
    }
    if ((await this.#rebuilt.erasedIds()).length !== plan.erased.length) {
      this.#changed = 'by an erasure of persons';
      return undefined;
    }
    const swap = this.#swapOf(snapshot, entries);
    if ('changed' in swap) {
      this.#changed = swap.changed;
      return undefined;
    }
    this.#replacedFiles = swap.replaced.length;
    const added = await this.#target.pending.place(this.#rebuilt.added);
    return this.#actions({ ...swap, added }, snapshot);
  }

  /** Returns the files to replace; or what changed them, so that they cannot be. */
  #swapOf(snapshot: Snapshot, entries: readonly LogEntry[]): SwapFiles | { readonly changed: string } {
    const { plan } = this.#rebuilt;
    const followed = followFiles(plan.replaced, entries);
    if ('changed' in followed) return { changed: `by ${followed.changed}` };
    const columns = rewriteColumns(this.#target.path, snapshot.metadata, deltaMetadata(this.#table));
    if (columns?.isReplaced === true && entries.length > 0)
      return { changed: 'by a commit with other columns' };
    const moved = movedPosition(plan, snapshot.txns);
    if (moved !== undefined) return { changed: moved };
    const replaced = [...snapshot.files.values()].filter(({ path }) => followed.files.has(path));
    if (replaced.length !== followed.files.size) return { changed: 'by another commit' };
    return { replaced, metadata: columns?.metadata };
  }

  /** Reads the entries after a version; undefined if one was deleted, or the log is another one. */
  async #entriesSince(version: number, newest: number): Promise<LogEntry[] | undefined> {
    if (newest < version) return undefined;
    const versions = Array.from({ length: newest - version }, (_, index) => version + 1 + index);
    const { hdfs, path } = this.#target;
    const entries = await mapConcurrent(MAX_CONCURRENT_READS, versions, (one) => readEntry(hdfs, path, one));
    const found = entries.filter((entry) => entry !== undefined);
    return found.length === versions.length ? found : undefined;
  }

  #actions({ replaced, metadata, added }: PlacedFiles, { txns }: Snapshot): Action[] {
    const { plan, info } = this.#rebuilt;
    const nowMs = this.#target.nowMs();
    const positions = new Map(plan.positions);
    const caughtUp = plan.until.filter(([appId, until]) => positions.get(appId) !== until);
    const begun = [...firstOffsetsIn(txns).keys()].flatMap((key) => {
      const partition = parsePartitionAppId(key);
      return partition === undefined ? [] : [firstOffsetAppId(partition.topic, partition.partition)];
    });
    return [
      commitInfo({ operation: 'REBUILD', ...info }, nowMs),
      ...(metadata === undefined ? [] : [{ metaData: metadata }]),
      ...caughtUp.map(([appId, until]) => ({ txn: { appId, version: toSafeInteger(until) } })),
      ...begun.map((appId) => ({ txn: { appId, version: 0 } })),
      ...removeActions(replaced, { nowMs, dataChange: true }),
      ...added.map((add) => ({ add })),
    ];
  }
}

/** Returns a position that another commit moved, so that the rebuilt rows would leave a gap or an overlap. */
function movedPosition({ positions, until }: RebuildPlan, txns: Snapshot['txns']): string | undefined {
  const before = new Map(positions);
  for (const [appId, rebuilt] of until) {
    const position = txns.get(appId) ?? 0n;
    const planned = before.get(appId) ?? 0n;
    const isRight = rebuilt === planned ? position >= planned : position === planned;
    if (!isRight) return `by a commit that moved ${appId} from ${planned} to ${position}`;
  }
  return undefined;
}
