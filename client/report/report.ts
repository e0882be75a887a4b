import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { TableCache, cacheFolderOf } from '../../adapters/delta/table-cache.ts';
import { PipelineError } from '../../model/errors.ts';
import { formatBytes } from '../../model/figures.ts';
import { readSettings, sourceOf, type Settings } from '../../model/settings.ts';
import { TABLES } from '../../tables/index.ts';
import { parseTimeZoneArgument } from '../cli/arguments.ts';
import { withExamples } from '../cli/help.ts';
import { fetchTables, readSnapshots, withTables } from '../query/live-tables.ts';
import { print, printJson } from '../cli/output.ts';
import { writeFileAtomically } from '../query/file.ts';
import type { Report } from './page.ts';
import { numberCell, type ReportScope } from './part.ts';
import { tableStateOf } from '../tables/table-state.ts';
import { openWarehouse } from '../cli/warehouse.ts';

interface ReportOptions {
  readonly source?: string;
  readonly timeZone: string;
  readonly allDeliveries?: boolean;
  readonly output?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const OUTPUT_DEFAULT = 'report.html';

/** Creates `pipeline report`, which renders statistics of the attempts as an HTML page. */
export function reportCommand(): Command {
  const command = new Command('report')
    .description('Create a self-contained HTML page with statistics of the attempts, to read, print or send.')
    .option('--source <source>', 'only one source')
    .option(
      '--time-zone <zone>',
      'the time zone of times and hours, as Europe/Berlin',
      parseTimeZoneArgument,
      'UTC',
    )
    .option('--all-deliveries', 'count an attempt each time it was delivered, not once')
    .option(
      '--output <file>',
      `the output file (default: ${OUTPUT_DEFAULT}), written completely or not at all`,
    )
    .option('--force', 'replace the file if it exists')
    .option('--json', 'the figures and their SQL as a JSON object, instead of the page')
    .action(report);
  return withExamples(
    command,
    'pipeline report',
    'pipeline report --source pearson --time-zone Europe/Berlin --output pearson.html --force',
    ['pipeline report --json', 'only the figures, for a program'],
  );
}

async function report(options: ReportOptions): Promise<void> {
  const { output = OUTPUT_DEFAULT, source } = options;
  if (options.json === true && (options.output !== undefined || options.force === true))
    throw new PipelineError('USAGE_INVALID', '--json writes no file: leave out --output and --force');
  const settings = readSettings();
  if (source !== undefined) sourceOf(settings, source);
  const scope = { source, deduplicated: options.allDeliveries !== true, timeZone: options.timeZone };
  // Loaded when the command runs: charts take longer to load than --help and the completion need.
  const { dataOf, renderPage } = await import('./page.ts');
  if (options.json === true) {
    printJson(dataOf(await makeReport(settings, scope)));
    return;
  }
  const bytes = await writeFileAtomically(output, options, async (file) => {
    const page = renderPage(await makeReport(settings, scope));
    await writeFile(file, page);
    return Buffer.byteLength(page);
  });
  print(`${resolve(output)} (${formatBytes(bytes)})`);
}

/** @throws {PipelineError} REPORT_EMPTY if no attempt has landed. */
async function makeReport(settings: Settings, options: Omit<ReportScope, 'now'>): Promise<Report> {
  const { figureOf, figuresOf } = await import('./figures.ts');
  const { hdfs } = settings;
  const warehouse = openWarehouse(settings);
  const cache = new TableCache(cacheFolderOf(hdfs.nameNodes, hdfs.warehouse), warehouse.options.hdfs);
  const snapshots = await readSnapshots(warehouse, TABLES);
  // After the snapshots, so that no row is later than the report.
  const scope = { ...options, now: new Date() };
  const needed = new Map([...snapshots].filter(([{ name }]) => name !== 'deliveries'));
  const [states, cached] = await Promise.all([
    Promise.all(TABLES.map((table) => tableStateOf(warehouse, table, snapshots.get(table)))),
    fetchTables(cache, warehouse, needed),
  ]);
  const tables = TABLES.map((table) => ({ table, files: cached.get(table)?.files ?? null }));
  const figures = await withTables(tables, (connection) => figuresOf(connection, scope));
  if (numberCell(figureOf(figures, 'overview').rows[0], 'exams') === 0) {
    const suffix = scope.source === undefined ? '' : ` of ${scope.source}`;
    throw new PipelineError('REPORT_EMPTY', `no attempt${suffix} is in the tables of ${hdfs.warehouse} yet`);
  }
  return { scope, figures, tables: states };
}
