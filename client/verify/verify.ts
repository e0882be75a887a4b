import { Command } from 'commander';
import { messageOf } from '../../model/errors.ts';
import { formatBytes } from '../../model/figures.ts';
import { readSettings } from '../../model/settings.ts';
import { TIME_EXAMPLES, parseSinceArgument } from '../cli/arguments.ts';
import { EXIT } from '../cli/exit.ts';
import { withExamples } from '../cli/help.ts';
import { formatTable, print, printError, printJson } from '../cli/output.ts';
import type { Proof } from './proofs.ts';
import type { WarehouseReport } from './verify-warehouse.ts';
import { clientLogger, openWarehouse } from '../cli/warehouse.ts';

interface VerifyOptions {
  readonly since?: Date | 'last';
  readonly json?: boolean;
}

/** The value of --since for the newest proof. */
const LAST = 'last';

/** Creates `pipeline verify`, which proves that the tables are consistent, or reports findings. */
export function verifyCommand(): Command {
  const command = new Command('verify')
    .description(
      'Prove that each Kafka message is exactly once in the tables, each child row has its parent, and each file ' +
        'in HDFS matches the Delta log. Prints each inconsistency, and exits with 1 if there are any.',
    )
    .option(
      '--since <time>',
      `continue the newest proof that was made until then: ${LAST}, ${TIME_EXAMPLES}, or how long ago`,
      parseProofArgument,
    )
    .option('--json', 'as JSON')
    .action(verify);
  return withExamples(
    command,
    'pipeline verify',
    ['pipeline verify --since last', 'only what was added since the last time that all was right'],
    ['pipeline verify --json', 'partitions, tables and findings, for a program'],
  );
}

function parseProofArgument(text: string): Date | 'last' {
  return text === LAST ? LAST : parseSinceArgument(text);
}

async function verify(options: VerifyOptions): Promise<void> {
  const settings = readSettings();
  const startedMs = performance.now();
  // Loaded when the command runs: it takes longer to load than --help and the completion need.
  const { verifyWarehouse } = await import('./verify-warehouse.ts');
  const { Proofs } = await import('./proofs.ts');
  const warehouse = openWarehouse(settings);
  const proofs = new Proofs(warehouse);
  const { since } = options;
  const base = since === undefined ? null : await proofs.read(since === LAST ? Infinity : since.getTime());
  const kafka = { ...settings.kafka, logger: clientLogger() };
  const { report, proof } = await verifyWarehouse({ settings, warehouse, kafka, say: printError }, base);
  if (options.json === true) printJson(report);
  else print(formatReport(report, base));
  printError(`in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  if (!report.verified) process.exitCode = EXIT.failed;
  // Only a note: who may read the tables need not be allowed to write into their folder.
  if (proof !== null)
    await proofs.save(proof).catch((error: unknown) => {
      printError(`the result was not kept in ${proofs.folder}: ${messageOf(error)}`);
    });
}

function formatReport(
  { partitions, tables, replays, findings, notes, verified }: WarehouseReport,
  base: Proof | null,
): string[] {
  const sums = {
    consumed: 0,
    deliveries: 0,
    quarantined: 0,
    gaps: 0,
    skipped: 0,
    erased: 0,
    gone: 0,
    behind: 0,
  };
  const counts = Object.keys(sums) as (keyof typeof sums)[];
  for (const partition of partitions) for (const count of counts) sums[count] += partition[count];
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const files = tables.reduce((sum, table) => sum + table.files, 0);
  return [
    ...formatTable(
      ['partition', 'from', 'to', ...counts],
      partitions.map((one) => [
        `${one.topic}/${one.partition}`,
        one.from,
        one.to,
        ...counts.map((count) => one[count]),
      ]),
    ),
    ...formatTable(
      ['table', 'rows', 'files', 'size', 'version'],
      tables.map((one) => [
        one.table,
        one.rows,
        one.files,
        formatBytes(one.bytes),
        one.version ?? 'none yet',
      ]),
    ),
    ...(replays === null || replays.marked === 0 ? [] : [formatReplays(replays)]),
    ...notes.map(({ where, message }) => `note: ${where}: ${message}`),
    ...findings.map(
      ({ code, where, message, repair }) =>
        `${code}: ${where}: ${message}${repair === undefined ? '' : `; to repair it: ${repair}`}`,
    ),
    verified
      ? `verified: ${sums.consumed} offsets = ${sums.deliveries} deliveries + ${sums.quarantined} quarantined + ` +
        `${sums.gaps} gaps + ${sums.skipped} skipped + ${sums.erased} erased + ${sums.gone} gone; ${rows} rows in ${files} files as their logs say`
      : `not verified: ${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}`,
    ...(base === null ? [] : [formatBase(base)]),
  ];
}

function formatBase({ provedAt, partitions, tables }: Proof): string {
  const offsets = partitions.reduce((sum, { consumed }) => sum + consumed, 0);
  const proved = Object.values(tables);
  const rows = proved.reduce((sum, table) => sum + table.rows, 0);
  const files = proved.reduce((sum, table) => sum + table.files, 0);
  return `these were added since ${provedAt}, when ${offsets} offsets and ${rows} rows in ${files} files were verified`;
}

function formatReplays({
  marked,
  landed,
  quarantinedAgain,
  ahead,
}: NonNullable<WarehouseReport['replays']>): string {
  return (
    `${marked} replayed from quarantine: ${landed} of them landed, ${quarantinedAgain} are in quarantine again, ` +
    `${ahead} have no row yet`
  );
}
