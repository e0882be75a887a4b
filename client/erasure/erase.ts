import { Command } from 'commander';
import { PipelineError } from '../../model/errors.ts';
import type { EraseRequest, EraseResult } from '../../model/erasure.ts';
import { formatBytes, formatCount } from '../../model/figures.ts';
import { readSettings, sourceOf, type Settings } from '../../model/settings.ts';
import { PersonKey } from '../../steps/erasure/person-key.ts';
import { EXIT } from '../cli/exit.ts';
import { withExamples } from '../cli/help.ts';
import { confirm } from '../cli/output/confirm.ts';
import { formatTable, print, printError, printJson } from '../cli/output.ts';
import { withTemporal } from '../cli/temporal.ts';
import { clientLogger, openWarehouse } from '../cli/warehouse.ts';
import { WAITING_FOR_WORKER, startRun } from '../runs/start-workflow.ts';
import type { ErasureCheck } from './check.ts';
import { formatOpenRuns, listOpenRuns } from './open-runs.ts';
import { readPersons } from './person-file.ts';

interface EraseOptions {
  readonly personFile: string;
  readonly requestedBy?: string;
  readonly reason?: string;
  readonly yes?: true;
  readonly hashes?: true;
  readonly dryRun?: true;
  readonly check?: true;
  readonly deleteRecords?: true;
  readonly follow?: true;
  readonly json?: true;
}

/** Creates `pipeline erase SOURCE`, which erases persons of a source. */
export function eraseCommand(): Command {
  const command = new Command('erase')
    .description(
      'Erase persons of a source from every table, with all older versions that hold them; what the source sends of them ' +
        'again is dropped. Runs land meanwhile. It cannot be undone.',
    )
    .argument('<source>', 'a source of pipeline.yaml')
    .requiredOption(
      '--person-file <file>',
      'the persons’ keys, one a line; - for standard input. Only keyed hashes of them leave this process',
    )
    .option('--requested-by <name>', 'who asked for it; recorded in the table erasures')
    .option('--reason <text>', 'why; recorded in the table erasures')
    .option('--yes', 'do not ask for confirmation')
    .option('--dry-run', 'count the persons’ messages in the tables, and change nothing')
    .option(
      '--check',
      'look for the persons in everything that is left, and change nothing; exits with 1 if it finds them anywhere but in Kafka',
    )
    .option(
      '--delete-records',
      'delete from Kafka, in each partition of the topic, everything up to the last message of the persons that every ' +
        'table has; with --dry-run only print the offsets',
    )
    .option('--hashes', 'print the keyed hashes, for the Temporal UI, and change nothing')
    .option('--follow', 'show progress on standard error until it ends')
    .option('--json', 'print JSON')
    .action(erase);
  return withExamples(
    command,
    'pipeline erase pearson --person-file persons.txt --requested-by "the school" --reason "ticket 12" --follow',
    ['pipeline erase pearson --person-file persons.txt --dry-run', 'what would be found'],
    ['pipeline erase pearson --person-file persons.txt --check', 'prove that nothing is left'],
    [
      'pipeline erase pearson --person-file persons.txt --delete-records --dry-run',
      'what Kafka could delete',
    ],
    ['pipeline erase pearson --person-file - --hashes', 'the persons of a request in the Temporal UI'],
  );
}

async function erase(source: string, options: EraseOptions): Promise<void> {
  const settings = readSettings();
  sourceOf(settings, source);
  const key = PersonKey.read(settings.erasure);
  const keys = await readPersons(options.personFile);
  if (options.check === true) {
    await check(settings, source, keys, options);
    return;
  }
  if (options.deleteRecords === true) {
    await deleteFromKafka(settings, source, keys, options);
    return;
  }
  const persons = keys.map((person) => key.hash(source, person));
  if (options.hashes === true) {
    if (options.json === true) printJson({ source, persons });
    else print(persons);
    return;
  }
  if (options.dryRun === true) {
    const { countMessages } = await import('./dry-run.ts');
    const deps = { settings, warehouse: openWarehouse(settings) };
    const found = await countMessages(deps, key, { source, persons });
    const openRuns = await listOpenRuns(settings, source);
    if (options.json === true) printJson({ dryRun: true, persons: persons.length, ...found, openRuns });
    else
      print([
        foundLine('would be erased', { persons: persons.length, ...found }),
        ...formatOpenRuns(openRuns),
      ]);
    return;
  }
  const { requestedBy, reason } = requireRequest(options);
  for (const line of formatOpenRuns(await listOpenRuns(settings, source))) printError(line);
  if (!(await isConfirmed(`Erase ${formatCount(persons.length, 'person')} of ${source}?`, options))) {
    printError('nothing was started');
    process.exitCode = EXIT.failed;
    return;
  }
  const request: EraseRequest = { source, persons, requestedBy, reason };
  const workflow = {
    name: 'erase',
    idPrefix: `erase-${source}`,
    request,
    memo: {},
    title: `erase ${formatCount(persons.length, 'person')} of ${source}`,
    progressOf,
    formatResult,
  } as const;
  await withTemporal(settings, (client) => startRun<EraseResult>(client, settings, workflow, options));
}

async function check(
  settings: Settings,
  source: string,
  keys: readonly string[],
  { json }: EraseOptions,
): Promise<void> {
  const { checkErasure } = await import('./check.ts');
  const deps = {
    settings,
    warehouse: openWarehouse(settings),
    kafka: { ...settings.kafka, logger: clientLogger() },
    say: printError,
  };
  const openRuns = await listOpenRuns(settings, source);
  const result = await checkErasure(deps, source, keys);
  if (json === true) printJson({ ...result, openRuns });
  else print([...formatCheck(result), ...formatOpenRuns(openRuns)]);
  if (!result.clean) process.exitCode = EXIT.failed;
}

async function deleteFromKafka(
  settings: Settings,
  source: string,
  keys: readonly string[],
  options: EraseOptions,
): Promise<void> {
  const { dryRun, json } = options;
  const { deleteRecords, formatDeletion, planDeletion } = await import('./delete-records.ts');
  const deps = {
    warehouse: openWarehouse(settings),
    kafka: { ...settings.kafka, logger: clientLogger() },
  };
  const plan = await planDeletion(deps, sourceOf(settings, source).topic, keys);
  if (dryRun === true || plan.partitions.length === 0) {
    if (json === true) printJson({ ...(dryRun === true ? { dryRun } : {}), ...plan });
    else print(formatDeletion('would be deleted', plan));
    return;
  }
  for (const line of formatDeletion('to delete from Kafka', plan)) printError(line);
  if (!(await isConfirmed('Delete these messages from Kafka, for every consumer?', options))) {
    printError('nothing was deleted');
    process.exitCode = EXIT.failed;
    return;
  }
  const partitions = await deleteRecords(deps, plan);
  if (json === true) printJson({ ...plan, partitions });
  else print(formatDeletion('deleted', { ...plan, partitions }));
}

function formatCheck({ clean, files, found, kafka }: ErasureCheck): string[] {
  const kept =
    kafka.messages === 0
      ? 'nothing'
      : `${formatCount(kafka.messages, 'message')}, until ${kafka.until ?? 'its topic is deleted'}`;
  return [
    ...found.map(({ where, count }) => `FOUND: ${where}: ${count}`),
    `Kafka keeps of topic ${kafka.topic}: ${kept}`,
    clean
      ? `clean: nothing of the persons in ${formatCount(files, 'file')}`
      : `not clean: something of the persons in ${found.length} of ${formatCount(files, 'file')}`,
  ];
}

/** @throws {PipelineError} USAGE_INVALID */
function requireRequest({ requestedBy, reason }: EraseOptions): { requestedBy: string; reason: string } {
  if (requestedBy !== undefined && reason !== undefined) return { requestedBy, reason };
  throw new PipelineError('USAGE_INVALID', 'an erasure needs --requested-by and --reason, which it records');
}

async function isConfirmed(question: string, { yes, personFile }: EraseOptions): Promise<boolean> {
  if (yes === true) return true;
  if (personFile === '-')
    throw new PipelineError('USAGE_INVALID', 'with the keys on standard input, confirm by --yes');
  return confirm(`${question} This cannot be undone.`);
}

function progressOf(status: EraseResult | undefined): string {
  if (status === undefined) return WAITING_FOR_WORKER;
  const done = status.tables.map(({ table, rows }) => `${table}: ${formatCount(rows, 'row')}`);
  return [`${formatCount(status.messages, 'message')} found`, ...done].join(', ');
}

function formatResult({ persons, messages, records, tables, kafka }: EraseResult): string[] {
  return [
    ...formatTable(
      ['table', 'rows erased', 'files replaced', 'written', 'files deleted'],
      tables.map((one) => [one.table, one.rows, one.files, formatBytes(one.writtenBytes), one.deletedFiles]),
    ),
    foundLine('erased', { persons, messages, records }),
    ...(kafka === null ? [] : [kafkaLine(kafka)]),
  ];
}

function foundLine(
  what: string,
  { persons, messages, records }: Pick<EraseResult, 'persons' | 'messages' | 'records'>,
): string {
  const refused = records === 0 ? '' : `, ${formatCount(records, 'record')} rejected at publish`;
  return `${what}: ${formatCount(persons, 'person')}, ${formatCount(messages, 'message')}${refused}`;
}

function kafkaLine({ topic, until }: NonNullable<EraseResult['kafka']>): string {
  return until === null
    ? `Kafka keeps the messages of topic ${topic}: its settings never delete them`
    : `Kafka keeps the messages of topic ${topic} until ${until} at the latest`;
}
