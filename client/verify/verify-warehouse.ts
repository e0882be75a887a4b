import { Auditor } from '../../adapters/auditor/auditor.ts';
import type { KafkaWithMarkers } from '../../adapters/kafka/client.ts';
import { readMarkers } from '../../adapters/kafka/marker-log.ts';
import { TableCache, cacheFolderOf } from '../../adapters/delta/table-cache.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { Settings } from '../../model/settings.ts';
import {
  BATCH_TABLES,
  REBUILDABLE_TABLES,
  TABLES,
  deliveries,
  quarantine,
  replays,
} from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import { fetchTables, withTables } from '../query/live-tables.ts';
import { addedNotes, firstOffsetsOf, type FirstOffsets } from './added-tables.ts';
import { checkChildren, isBefore } from './children.ts';
import { auditFiles, checkLengths } from './files.ts';
import type { RowFinding, VerifyFinding, Note } from './findings.ts';
import { topicsIn } from './kafka.ts';
import { LEDGER_COLUMNS, Ledger } from './ledger.ts';
import type { PartitionReport } from './partitions.ts';
import { withRepairs } from './repairs.ts';
import { checkReplays, type ReplayCounts } from './replays.ts';
import { checkRewrites } from './rewrites.ts';
import { continueProof, type Proof } from './proofs.ts';
import { scopeSince, wholeScope, type VerifyScope } from './scope.ts';
import { strayFilesOf } from './stray-files.ts';
import { settledSnapshots, type Snapshots } from './tables.ts';
import { checkTopics } from './topics.ts';

/** The counts of a table's files that match the log. */
export interface TableReport {
  readonly table: string;
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  readonly version: number | null;
}

/** The result of {@link verifyWarehouse}. With a proof, the counts are those of what was added since. */
export interface WarehouseReport {
  readonly verified: boolean;
  /** The time of the proof that was continued, ISO 8601; null if everything was verified. */
  readonly since: string | null;
  readonly partitions: readonly PartitionReport[];
  readonly tables: readonly TableReport[];
  /** Null if it was not counted: after a proof, or because of findings in the files. */
  readonly replays: ReplayCounts | null;
  readonly findings: readonly VerifyFinding[];
  readonly notes: readonly Note[];
}

/** The dependencies of {@link verifyWarehouse}. */
export interface VerifyDeps {
  readonly settings: Settings;
  readonly warehouse: Warehouse;
  readonly kafka: KafkaWithMarkers;
  /** Called with progress messages. */
  readonly say: (text: string) => void;
}

const CHILD_TABLES: readonly Table[] = [deliveries, ...REBUILDABLE_TABLES, quarantine, replays];
/** Of these, the ones whose proved rows are not read again; a new replay can be of an old row of quarantine. */
const MESSAGE_TABLES: readonly Table[] = [deliveries, ...REBUILDABLE_TABLES];

/**
 * Verifies that each message of each topic is exactly once in the tables, that each child row has its parent, and that
 * each file in HDFS matches the log.
 * @param base A proof to continue: rows and files that it includes are not read again, only the files' lengths are
 * compared. Null for everything.
 * @returns The report, and the proof of the state that was verified; null if there are findings.
 * @throws {PipelineError} if a server cannot be reached; PROOF_OUTDATED if the proof does not hold any more.
 */
export async function verifyWarehouse(
  deps: VerifyDeps,
  base: Proof | null = null,
): Promise<{ report: WarehouseReport; proof: Proof | null }> {
  const { kafka, settings, warehouse, say } = deps;
  const provedAt = new Date().toISOString();
  const snapshots = await settledSnapshots(warehouse);
  const scope = await (base === null
    ? wholeScope(warehouse, snapshots)
    : scopeSince(warehouse, snapshots, base));
  const { histories, provedTo } = scope;
  const ledger = new Ledger(provedTo);
  const files = await verifyFiles(deps, { snapshots, scope, ledger });
  say('reading the topics');
  const named = Object.values(settings.sources).map(({ topic }) => topic);
  const entries = histories.get(deliveries) ?? [];
  const { batchDecodedBytes } = settings.limits;
  const evidence = { snapshots, entries, ledger, provedTo };
  const topics = await checkTopics(kafka, named, evidence, batchDecodedBytes);
  const offsets = firstOffsetsOf(snapshots);
  const children = await verifyChildren(deps, { snapshots, scope, offsets }, files.findings);
  const rewrites = checkRewrites(histories);
  const findings = withRepairs(
    [...files.findings, ...topics.findings, ...children.findings, ...rewrites.findings],
    ({ name }) => warehouse.table(name).path,
  );
  const { partitions } = topics;
  const report = {
    verified: findings.length === 0,
    since: base?.provedAt ?? null,
    partitions,
    tables: files.tables,
    replays: base === null ? children.replays : null,
    findings,
    notes: [
      ...files.notes,
      ...topics.notes,
      ...children.notes,
      ...rewrites.notes,
      ...addedNotes(snapshots, offsets),
      ...(await strayFileNotes(warehouse, snapshots, histories)),
    ],
  };
  const proof = report.verified
    ? await continueProof(warehouse, base, { provedAt, snapshots, partitions })
    : null;
  return { report, proof };
}

/** Reads back the live files that the scope has, and adds the messages that have rows to the ledger. */
async function verifyFiles(
  { settings, warehouse, say }: VerifyDeps,
  {
    snapshots,
    scope,
    ledger,
  }: { readonly snapshots: Snapshots; readonly scope: VerifyScope; readonly ledger: Ledger },
): Promise<{ tables: TableReport[]; findings: VerifyFinding[]; notes: Note[] }> {
  const auditor = new Auditor(settings.hdfs);
  const tables: TableReport[] = [];
  const findings: VerifyFinding[] = [];
  const notes: Note[] = [];
  for (const [table, snapshot] of snapshots) {
    const live = [...(snapshot?.files.values() ?? [])];
    const proved = live.filter((file) => scope.originOf(table, file) === 'proved');
    const added = live.filter((file) => scope.originOf(table, file) !== 'proved');
    say(`reading back ${table.name}, files: ${added.length}`);
    const tablePath = warehouse.table(table.name).path;
    const audited = await auditFiles(auditor, {
      tablePath,
      files: added,
      columns: BATCH_TABLES.includes(table) ? LEDGER_COLUMNS : LEDGER_COLUMNS.slice(0, 1),
      onRows: (rows, file) => {
        const isRewrite = scope.originOf(table, file) === 'rewritten';
        if (table === deliveries) ledger.take('deliveries', rows, isRewrite);
        if (table === quarantine) ledger.take('quarantine', rows, isRewrite);
      },
    });
    const { rows, files, bytes } = audited;
    tables.push({ table: table.name, rows, files, bytes, version: snapshot?.version ?? null });
    findings.push(...audited.findings);
    findings.push(...(await checkLengths(warehouse.options.hdfs, tablePath, proved)));
    if (audited.foreign > 0) notes.push({ where: table.name, message: foreignMessage(audited.foreign) });
  }
  return { tables, findings, notes };
}

function foreignMessage(files: number): string {
  return `another program wrote ${files} of its files: their length and rows were compared, but no checksum is known`;
}

/** Compares child rows with their parents, and replays with quarantine, unless their files have findings. */
async function verifyChildren(
  { settings: { hdfs }, kafka, warehouse, say }: VerifyDeps,
  {
    snapshots,
    scope,
    offsets,
  }: { readonly snapshots: Snapshots; readonly scope: VerifyScope; readonly offsets: FirstOffsets },
  fileFindings: readonly VerifyFinding[],
): Promise<{ findings: RowFinding[]; notes: Note[]; replays: ReplayCounts | null }> {
  const areFilesDamaged = CHILD_TABLES.some(({ name }) =>
    fileFindings.some(({ where }) => where.startsWith(`${warehouse.table(name).path}/`)),
  );
  if (areFilesDamaged) {
    const message = 'child rows were not compared with their parents, since their files have findings';
    return { findings: [], notes: [{ where: warehouse.path, message }], replays: null };
  }
  say('comparing child rows with their parents');
  const cache = new TableCache(cacheFolderOf(hdfs.nameNodes, hdfs.warehouse), warehouse.options.hdfs);
  const wanted = new Map(CHILD_TABLES.map((table) => [table, snapshots.get(table)]));
  const cached = await fetchTables(cache, warehouse, wanted, {
    recheck: true,
    isWanted: (table, file) => !MESSAGE_TABLES.includes(table) || scope.originOf(table, file) !== 'proved',
  });
  const local = TABLES.map((table) => ({
    table,
    files: cached.get(table)?.files ?? null,
    where:
      scope.proof !== null && MESSAGE_TABLES.includes(table)
        ? `NOT (${isBefore(scope.provedTo)})`
        : undefined,
  }));
  return withTables(local, async (connection) => {
    const children = await checkChildren(connection, offsets);
    const existing = await topicsIn(kafka);
    const { report, findings, notes } = await checkReplays(connection, async (topic, sets) =>
      existing.has(topic) ? readMarkers(kafka, topic, sets) : new Map(),
    );
    return { findings: [...children, ...findings], notes, replays: report };
  });
}

async function strayFileNotes(
  warehouse: Warehouse,
  snapshots: Snapshots,
  histories: VerifyScope['histories'],
): Promise<Note[]> {
  const notes: Note[] = [];
  for (const [table, entries] of histories) {
    const snapshot = snapshots.get(table);
    if (snapshot === undefined) continue;
    const { path } = warehouse.table(table.name);
    const strays = await strayFilesOf(warehouse.options.hdfs, path, { snapshot, entries });
    for (const { path: where, length } of strays) {
      const message =
        `no entry of the log names this file of ${length} bytes: an interrupted attempt left it, ` +
        'a run is adding it now, or upkeep has not deleted it yet';
      notes.push({ where, message });
    }
  }
  return notes;
}
