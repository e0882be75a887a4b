import { Command } from 'commander';
import type { Client } from '@temporalio/client';
import { openRunIds } from '../../adapters/open-runs.ts';
import { PipelineError } from '../../model/errors.ts';
import { formatBytes } from '../../model/figures.ts';
import { readSettings, type Settings } from '../../model/settings.ts';
import type { MaintainRequest, MaintainResult } from '../../model/upkeep.ts';
import { upkeepLimits } from '../../steps/upkeep/deps.ts';
import { planUpkeep, type UpkeepPlan } from '../../steps/upkeep/plan-upkeep.ts';
import { TABLES, tableNamed } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import { withExamples } from '../cli/help.ts';
import { formatTable, print, printJson } from '../cli/output.ts';
import { withTemporal } from '../cli/temporal.ts';
import { openWarehouse } from '../cli/warehouse.ts';
import { WAITING_FOR_WORKER, startRun } from '../runs/start-workflow.ts';

interface MaintainOptions {
  readonly dryRun?: true;
  readonly follow?: true;
  readonly json?: true;
}

/** Creates `pipeline maintain [TABLE…]`, which starts the upkeep of tables. */
export function maintainCommand(): Command {
  const command = new Command('maintain')
    .description(
      'Start the upkeep of tables: merge small files, clean the log, delete files that are no longer used. Runs land meanwhile.',
    )
    .argument('[table...]', 'the tables; all if none is named')
    .option('--dry-run', 'show the files that would be merged and deleted, and change nothing')
    .option('--follow', 'show progress on standard error until it ends')
    .option('--json', 'print JSON')
    .action(maintain);
  return withExamples(
    command,
    ['pipeline maintain --dry-run', 'what would be merged and deleted'],
    'pipeline maintain --follow',
    'pipeline maintain attempts options --follow --json',
  );
}

async function maintain(names: readonly string[], options: MaintainOptions): Promise<void> {
  const settings = readSettings();
  const tables = names.length === 0 ? TABLES : names.map(tableNamed);
  if (options.dryRun === true && options.follow === true)
    throw new PipelineError('USAGE_INVALID', '--dry-run starts nothing to follow');
  await withTemporal(settings, (client) =>
    options.dryRun === true
      ? showPlans(client, settings, tables, options)
      : startUpkeep(client, settings, names, options),
  );
}

async function showPlans(
  client: Client,
  settings: Settings,
  tables: readonly Table[],
  { json }: MaintainOptions,
): Promise<void> {
  const warehouse = openWarehouse(settings);
  const limits = upkeepLimits(settings.maintenance);
  const runIds = await openRunIds(client);
  const deps = { warehouse, limits, openRunIds: () => Promise.resolve(runIds) };
  const plans: UpkeepPlan[] = [];
  for (const table of tables) plans.push(await planUpkeep(deps, table));
  if (json === true) printJson({ dryRun: true, tables: plans });
  else print(plans.flatMap(formatPlan));
}

function formatPlan({ table, compactions, logFiles, dataFiles }: UpkeepPlan): string[] {
  const list = (what: string, files: readonly { path: string; bytes: number }[]): string[] =>
    files.length === 0
      ? []
      : [
          `  ${what}: ${files.length} files, ${formatBytes(files.reduce((sum, { bytes }) => sum + bytes, 0))}`,
          ...files.map(({ path, bytes }) => `    ${path}  ${formatBytes(bytes)}`),
        ];
  const lines = [
    ...compactions.flatMap((files) => list('merge into one', files)),
    ...list('delete from the log', logFiles),
    ...list('delete unused', dataFiles),
  ];
  return [table, ...(lines.length === 0 ? ['  nothing to do'] : lines)];
}

async function startUpkeep(
  client: Client,
  settings: Settings,
  names: readonly string[],
  options: MaintainOptions,
): Promise<void> {
  const request: MaintainRequest = names.length === 0 ? {} : { tables: names };
  const title = `maintain ${names.length === 0 ? 'all tables' : names.join(', ')}`;
  const workflow = { name: 'maintain', request, title, progressOf, formatResult } as const;
  await startRun<MaintainResult>(client, settings, workflow, options);
}

function progressOf(status: MaintainResult | undefined): string {
  const latest = status?.tables.at(-1);
  if (latest === undefined) return WAITING_FOR_WORKER;
  const { table, compactedFiles, compactions } = latest;
  return `${table}: ${compactedFiles} files merged into ${compactions}`;
}

function formatResult({ tables }: MaintainResult): string[] {
  return formatTable(
    ['table', 'files merged', 'into', 'read', 'written', 'log files deleted', 'data files deleted', 'freed'],
    tables.map((upkeep) => [
      upkeep.table,
      upkeep.compactedFiles,
      upkeep.compactions,
      formatBytes(upkeep.compactedBytes),
      formatBytes(upkeep.writtenBytes),
      upkeep.logFiles,
      upkeep.dataFiles,
      formatBytes(upkeep.dataBytes),
    ]),
  );
}
