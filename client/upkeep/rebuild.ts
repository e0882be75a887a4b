import { Argument, Command } from 'commander';
import { PipelineError } from '../../model/errors.ts';
import { formatBytes, formatCount } from '../../model/figures.ts';
import type { RebuildRequest, RebuildResult } from '../../model/rebuild.ts';
import { readSettings, type Settings } from '../../model/settings.ts';
import { rebuildableTable } from '../../steps/rebuild/deps.ts';
import { readPlan } from '../../steps/rebuild/plan-rebuild.ts';
import { REBUILDABLE_TABLES } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import { withExamples } from '../cli/help.ts';
import { formatTable, print, printJson } from '../cli/output.ts';
import { withTemporal } from '../cli/temporal.ts';
import { openWarehouse } from '../cli/warehouse.ts';
import { WAITING_FOR_WORKER, startRun } from '../runs/start-workflow.ts';

interface RebuildOptions {
  readonly dryRun?: true;
  readonly follow?: true;
  readonly json?: true;
}

/** The files that a rebuild of a table would read and replace. */
interface RebuildPreview {
  readonly table: string;
  /** Whether the table is missing, so that it would be created. */
  readonly isMissing: boolean;
  /** Files of `deliveries` that would be read, and their bytes. */
  readonly deliveryFiles: number;
  readonly deliveryBytes: number;
  readonly parts: number;
  /** The table's files that would be replaced. */
  readonly replaced: readonly string[];
}

/** Creates `pipeline rebuild TABLE…`, which derives tables from `deliveries` again. */
export function rebuildCommand(): Command {
  const names = REBUILDABLE_TABLES.map(({ name }) => name);
  const command = new Command('rebuild')
    .description(
      `Derive tables from deliveries again: ${names.join(', ')}. Each is replaced in one commit; runs land meanwhile.`,
    )
    .addArgument(new Argument('<table...>', 'the tables'))
    .option('--dry-run', 'show what would be read and replaced, and change nothing')
    .option('--follow', 'show progress on standard error until it ends')
    .option('--json', 'print JSON')
    .action(rebuild);
  return withExamples(
    command,
    ['pipeline rebuild attempts --dry-run', 'what would be read and replaced'],
    'pipeline rebuild attempts questions options --follow',
  );
}

async function rebuild(names: readonly string[], options: RebuildOptions): Promise<void> {
  const settings = readSettings();
  const tables = names.map(rebuildableTable);
  if (options.dryRun === true && options.follow === true)
    throw new PipelineError('USAGE_INVALID', '--dry-run starts nothing to follow');
  if (options.dryRun === true) {
    await showPreviews(settings, tables, options);
    return;
  }
  const request: RebuildRequest = { tables: names };
  const title = `rebuild ${names.join(', ')}`;
  const workflow = { name: 'rebuild', request, title, progressOf, formatResult } as const;
  await withTemporal(settings, (client) => startRun<RebuildResult>(client, settings, workflow, options));
}

async function showPreviews(
  settings: Settings,
  tables: readonly Table[],
  { json }: RebuildOptions,
): Promise<void> {
  const warehouse = openWarehouse(settings);
  const previews: RebuildPreview[] = [];
  for (const table of tables) {
    const plan = await readPlan({ warehouse }, table);
    const files = plan?.parts.flat() ?? [];
    previews.push({
      table: table.name,
      isMissing: plan === undefined,
      deliveryFiles: files.length,
      deliveryBytes: files.reduce((sum, { size }) => sum + size, 0),
      parts: plan?.parts.length ?? 0,
      replaced: plan?.replaced ?? [],
    });
  }
  if (json === true) printJson({ dryRun: true, tables: previews });
  else print(previews.flatMap(formatPreview));
}

function formatPreview(preview: RebuildPreview): string[] {
  const { table, isMissing, deliveryFiles, deliveryBytes, replaced } = preview;
  if (isMissing) return [table, '  it is missing: create it, and fill it from deliveries'];
  return [
    table,
    `  read ${formatCount(deliveryFiles, 'file')} of deliveries, ${formatBytes(deliveryBytes)}`,
    `  replace ${formatCount(replaced.length, 'file')}`,
    ...replaced.map((path) => `    ${path}`),
  ];
}

function progressOf(status: RebuildResult | undefined): string {
  const latest = status?.tables.at(-1);
  if (latest === undefined) return WAITING_FOR_WORKER;
  const { table, parts, partsDone, deliveries } = latest;
  return `${table}: ${formatCount(deliveries, 'message')}, ${partsDone} of ${formatCount(parts, 'part')}`;
}

function formatResult({ tables }: RebuildResult): string[] {
  return formatTable(
    ['table', 'messages', 'rows', 'files written', 'written', 'files replaced', 'version'],
    tables.map(({ table, deliveries, rows, files, bytes, replacedFiles, version }) => [
      table,
      deliveries,
      rows,
      files,
      formatBytes(bytes),
      replacedFiles,
      version ?? '',
    ]),
  );
}
