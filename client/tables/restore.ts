import { randomUUID } from 'node:crypto';
import { Argument, Command } from 'commander';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import { TableVersions } from '../../adapters/delta/versions.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { topicOffsets } from '../../adapters/kafka/client.ts';
import { PipelineError } from '../../model/errors.ts';
import { formatCount } from '../../model/figures.ts';
import { readSettings, type Settings } from '../../model/settings.ts';
import { REBUILDABLE_TABLES, TABLES, tableNamed } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import { EXIT } from '../cli/exit.ts';
import { withExamples } from '../cli/help.ts';
import { print, printError, printJson } from '../cli/output.ts';
import { confirm } from '../cli/output/confirm.ts';
import { clientLogger, openWarehouse } from '../cli/warehouse.ts';
import { parseAsOfArgument, requireFiles, type AsOf } from '../query/as-of.ts';
import { userAtHost } from '../runs/static-details.ts';
import {
  isUnchanged,
  planRestoration,
  requireWhole,
  restoreActions,
  type MovedPosition,
  type Restoration,
} from './restore-table.ts';

interface RestoreOptions {
  readonly to: AsOf;
  readonly yes?: true;
  readonly json?: true;
}

/** Creates `pipeline restore TABLE --to VERSION|TIME`, which sets a table back to an earlier version. */
export function restoreCommand(): Command {
  const command = new Command('restore')
    .description(
      'Set a table back to an earlier version, in one commit: its files and its positions. What landed after it lands ' +
        'again with the next run.',
    )
    .addArgument(new Argument('<table>', 'the table').choices(TABLES.map((table) => table.name)))
    .requiredOption(
      '--to <version>',
      'a version, or a time, as 2026-01-31T12:00:00Z: the last version until then',
      parseAsOfArgument,
    )
    .option('--yes', 'do not ask for confirmation')
    .option('--json', 'print a JSON object')
    .action(restore);
  return withExamples(command, 'pipeline restore attempts --to 17', [
    'pipeline restore deliveries --to 2026-01-31T12:00:00Z --yes',
    'without a question',
  ]);
}

async function restore(name: string, { to, yes, json }: RestoreOptions): Promise<void> {
  const settings = readSettings();
  const restoring = await Restoring.open(settings, openWarehouse(settings), tableNamed(name), to);
  const { plan, version } = restoring;
  if (isUnchanged(plan)) {
    if (json === true) printJson({ table: name, to: version, version: null });
    else print(`${name} is as it was at version ${version}: nothing to do`);
    return;
  }
  const summary = describePlan(plan);
  if (json !== true)
    print([`set ${name} back to version ${version}:`, ...summary.map((line) => `  ${line}`)]);
  if (yes !== true && !(await askFor(name, version))) {
    printError('nothing was changed');
    process.exitCode = EXIT.failed;
    return;
  }
  const committed = await restoring.commit();
  const { added, removed, moved } = plan;
  if (json !== true) print(`${name} is at version ${committed}, which is as version ${version} was`);
  else
    printJson({
      table: name,
      to: version,
      version: committed,
      filesAdded: added.length,
      filesRemoved: removed.length,
      positions: moved.map(({ from, to: back, ...rest }) => ({
        ...rest,
        from: String(from),
        to: String(back),
      })),
    });
}

/** @throws {PipelineError} USAGE_INVALID when standard input is no terminal */
async function askFor(name: string, version: number): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new PipelineError('USAGE_INVALID', `restoring ${name} changes the table: confirm with --yes`);
  return confirm(`Set ${name} back to version ${version}?`);
}

function describePlan({ added, removed, moved }: Restoration): string[] {
  return [
    `${formatCount(added.length, 'file')} come back, ${formatCount(removed.length, 'file')} are removed`,
    ...moved.map(
      ({ topic, partition, from, to }) => `${topic}/${partition} lands again from ${to} to ${from}`,
    ),
  ];
}

/** A table that is about to be set back. */
class Restoring {
  /** The version that it is set back to. */
  readonly version: number;
  readonly plan: Restoration;
  readonly #settings: Settings;
  readonly #warehouse: Warehouse;
  readonly #table: Table;
  readonly #wanted: Snapshot;

  private constructor(
    { settings, warehouse, table }: { settings: Settings; warehouse: Warehouse; table: Table },
    wanted: Snapshot,
    plan: Restoration,
  ) {
    this.#settings = settings;
    this.#warehouse = warehouse;
    this.#table = table;
    this.#wanted = wanted;
    this.version = wanted.version;
    this.plan = plan;
  }

  /** @throws {PipelineError} VERSION_UNKNOWN, VERSION_GONE, RESTORE_REFUSED, an error of Kafka, HDFS or the log */
  static async open(settings: Settings, warehouse: Warehouse, table: Table, to: AsOf): Promise<Restoring> {
    const log = await listVersions(warehouse, table);
    const version = 'version' in to ? to.version : await log.versionAt(to.timeMs);
    const wanted = await log.snapshotAt(version);
    await requireWhole(log, version);
    await requireFiles(warehouse, new Map([[table, wanted]]));
    const plan = await planRestoration(log, await log.snapshotAt(log.newest), wanted);
    await requireInKafka(settings, table, plan.moved);
    return new Restoring({ settings, warehouse, table }, wanted, plan);
  }

  /**
   * Commits the entry, planned again for the table's newest version.
   * @returns The new version.
   * @throws {PipelineError} As {@link open}; VERSION_GONE also when upkeep deleted a file meanwhile
   */
  async commit(): Promise<number | undefined> {
    const target = this.#warehouse.open(this.#table.name);
    const scratch = `restore-${randomUUID()}`;
    try {
      const version = await target.append(scratch, async (current) => {
        const plan = await planRestoration(
          await listVersions(this.#warehouse, this.#table),
          current,
          this.#wanted,
        );
        await requireInKafka(this.#settings, this.#table, plan.moved);
        return restoreActions(plan, current, this.#wanted, { by: userAtHost(), nowMs: target.nowMs() });
      });
      await requireFiles(this.#warehouse, new Map([[this.#table, this.#wanted]]));
      return version;
    } finally {
      await target.deleteScratch(scratch);
    }
  }
}

function listVersions(warehouse: Warehouse, { name }: Table): Promise<TableVersions> {
  return TableVersions.list(warehouse.options.hdfs, warehouse.table(name).path);
}

/**
 * Requires that Kafka still has what is to land again, except of tables that can be rebuilt from `deliveries`.
 * @throws {PipelineError} RESTORE_REFUSED, an error of Kafka
 */
async function requireInKafka(
  settings: Settings,
  table: Table,
  moved: readonly MovedPosition[],
): Promise<void> {
  if (REBUILDABLE_TABLES.includes(table)) return;
  const kafka = { ...settings.kafka, logger: clientLogger() };
  for (const topic of new Set(moved.map((position) => position.topic))) {
    const offsets = await topicOffsets(kafka, topic);
    const earliest = new Map(offsets.map((one) => [one.partition, BigInt(one.earliest)]));
    const lost = moved.find(
      ({ topic: own, partition, to }) => own === topic && (earliest.get(partition) ?? to + 1n) > to,
    );
    if (lost === undefined) continue;
    throw new PipelineError(
      'RESTORE_REFUSED',
      `${table.name}: Kafka no longer has the offsets of ${topic}/${lost.partition} from ${lost.to} on, so the rows ` +
        'that landed since would be lost',
    );
  }
}
