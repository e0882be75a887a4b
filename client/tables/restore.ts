import { Argument, Command } from 'commander';
import { PipelineError } from '../../model/errors.ts';
import { formatCount } from '../../model/figures.ts';
import { readSettings } from '../../model/settings.ts';
import { TABLES, tableNamed } from '../../tables/index.ts';
import { EXIT } from '../cli/exit.ts';
import { withExamples } from '../cli/help.ts';
import { print, printError, printJson } from '../cli/output.ts';
import { confirm } from '../cli/output/confirm.ts';
import { clientLogger, openWarehouse } from '../cli/warehouse.ts';
import { parseAsOfArgument, type AsOf } from '../query/as-of.ts';
import { isUnchanged, type Restoration } from './restore-table.ts';
import { Restoring } from './restoring.ts';

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
  const kafka = { ...settings.kafka, logger: clientLogger() };
  const restoring = await Restoring.open(kafka, openWarehouse(settings), tableNamed(name), to);
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
