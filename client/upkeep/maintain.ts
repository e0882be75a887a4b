import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { WorkflowFailedError, type Client, type WorkflowHandle } from '@temporalio/client';
import { openRunIds } from '../../adapters/open-runs.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { formatBytes } from '../../model/figures.ts';
import { readSettings, type Settings } from '../../model/settings.ts';
import type { MaintainRequest, MaintainResult } from '../../model/upkeep.ts';
import { upkeepLimits } from '../../steps/upkeep/deps.ts';
import { planUpkeep, type UpkeepPlan } from '../../steps/upkeep/plan-upkeep.ts';
import { TABLES, tableNamed } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import type { maintain as maintainWorkflow } from '../../workflows/index.ts';
import { withExamples } from '../cli/help.ts';
import { formatTable, print, printError, printJson } from '../cli/output.ts';
import { uiUrlOf, withTemporal } from '../cli/temporal.ts';
import { openWarehouse } from '../cli/warehouse.ts';
import { userAtHost } from '../runs/static-details.ts';

interface MaintainOptions {
  readonly dryRun?: true;
  readonly follow?: true;
  readonly json?: true;
}

type MaintainHandle = WorkflowHandle<typeof maintainWorkflow>;

const POLL_MS = 500;

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
  const deps = { warehouse, limits, nowMs: () => Date.now(), openRunIds: () => Promise.resolve(runIds) };
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
  { follow, json }: MaintainOptions,
): Promise<void> {
  const request: MaintainRequest = names.length === 0 ? {} : { tables: names };
  const handle = await client.workflow.start<typeof maintainWorkflow>('maintain', {
    taskQueue: settings.temporal.taskQueue,
    workflowId: `maintain-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`,
    args: [request],
    staticSummary: `maintain ${names.length === 0 ? 'all tables' : names.join(', ')}`,
    memo: { request, startedBy: userAtHost() },
  });
  const run = handle.workflowId;
  const url = uiUrlOf(settings, run, handle.firstExecutionRunId);
  if (json !== true) print([`started ${run}`, `see ${url}`]);
  if (follow !== true) {
    if (json === true) printJson({ run, url });
    return;
  }
  const result = await followUpkeep(client, handle);
  if (json === true) printJson({ run, url, ...result });
  else print(formatResult(result));
}

/**
 * Shows progress until the run ends.
 * @throws {PipelineError} RUN_FAILED
 */
async function followUpkeep(client: Client, handle: MaintainHandle): Promise<MaintainResult> {
  const stop = new AbortController();
  const ended = client.withAbortSignal(stop.signal, () => handle.result());
  try {
    let shown = '';
    for (;;) {
      const result = await Promise.race([ended, sleep(POLL_MS, undefined)]);
      if (result !== undefined) return result;
      const line = progressOf(await handle.query<MaintainResult>('status').catch(() => undefined));
      if (line !== shown) printError(line);
      shown = line;
    }
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    throw new PipelineError('RUN_FAILED', `${handle.workflowId}: ${messageOf(error.cause)}`, {
      cause: error,
    });
  } finally {
    stop.abort();
  }
}

function progressOf(status: MaintainResult | undefined): string {
  const latest = status?.tables.at(-1);
  if (latest === undefined) return 'waiting for a worker';
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
