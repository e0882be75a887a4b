import { Command } from 'commander';
import { readSettings } from '../../model/settings.ts';
import { runChecks, type Check, type DoctorFinding } from './check.ts';
import { checkHdfs } from './hdfs.ts';
import { checkKafka } from './kafka.ts';
import { sourceChecks } from './sources.ts';
import { checkStaging } from './staging.ts';
import { checkTemporal, checkUi } from './temporal.ts';
import { EXIT } from '../cli/exit.ts';
import { withExamples } from '../cli/help.ts';
import { print, printJson } from '../cli/output.ts';
import { clientLogger, openWarehouse } from '../cli/warehouse.ts';

const MARKS: Readonly<Record<DoctorFinding['state'], string>> = { ok: '✔', warning: '!', failed: '✖' };

/** Creates `pipeline doctor`, which checks that everything in the settings is reachable and writable. */
export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('Check that the servers in the settings are reachable and writable.')
    .option('--json', 'as a JSON array with one object per finding')
    .addHelpText(
      'after',
      '\nIt connects to Temporal, Kafka, HDFS and the customers’ servers, writes and deletes a file in the warehouse,' +
        '\nand aborts a transaction on each topic. It exits with 1 if a check fails, with 0 if there are only warnings (!).',
    )
    .action(doctor);
  return withExamples(command, 'pipeline doctor', 'pipeline --config other.yaml doctor --json');
}

async function doctor(options: { readonly json?: boolean }): Promise<void> {
  const settings = readSettings();
  const kafka = { ...settings.kafka, logger: clientLogger() };
  const checks: Check[] = [
    { subject: 'temporal', run: () => checkTemporal(settings) },
    { subject: 'temporal ui', run: () => checkUi(settings) },
    { subject: 'kafka', run: () => checkKafka(kafka, settings) },
    { subject: 'hdfs', run: () => checkHdfs(openWarehouse(settings)) },
    { subject: 'staging', run: () => checkStaging(settings) },
    ...sourceChecks(settings),
  ];
  const findings = await runChecks(checks);
  if (options.json === true) printJson(findings);
  else print(findings.flatMap(formatFinding));
  const failures = findings.filter(({ state }) => state === 'failed').length;
  if (options.json !== true)
    print(['', failures === 0 ? 'all required checks passed' : `${failures} of ${findings.length} failed`]);
  if (failures > 0) process.exitCode = EXIT.failed;
}

function formatFinding({ state, subject, says, code, advice }: DoctorFinding): string[] {
  const line = `${MARKS[state]} ${subject}: ${code === undefined ? '' : `${code}: `}${says}`;
  return advice === undefined ? [line] : [line, `    ${advice}`];
}
