import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { makeFilesPrivate } from '../lib/private-files.ts';
import { messageOf, PipelineError } from '../model/errors.ts';
import { lastLines } from './command.ts';
import { stackFolder } from './folder.ts';
import { SERVICE_NAMES, type ServiceName } from './ports.ts';
import { statusJson, statusTable } from './report.ts';
import { resetStack, stackStatus, startStack, stopStack } from './stack.ts';

const DEFAULT_FOLDER = join(import.meta.dirname, '..', '.services');
const DEFAULT_LINES = 50;

makeFilesPrivate();

const program = new Command('services')
  .description(
    'The servers that the pipeline runs against, on this machine and without containers: Temporal, Kafka, HDFS.',
  )
  .option('--folder <dir>', 'where their data, logs and ports are kept', DEFAULT_FOLDER);

const folder = (): string => program.opts<{ folder: string }>().folder;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

program
  .command('up')
  .description('start what is down, and return when all are ready')
  .option('--free-ports', 'on ports that nothing uses, instead of the usual ones')
  .action(async (options: { freePorts?: boolean }) => {
    const ports = options.freePorts === true ? 'free' : 'default';
    await startStack({ folder: folder(), ports, detached: true, progress: say });
  });

program
  .command('down')
  .description('stop what was started here; the data stays')
  .action(() => stopStack(folder(), say));

program
  .command('status')
  .description('how each server is; ends with 1 unless all are healthy')
  .option('--json', 'for programs')
  .action(async (options: { json?: boolean }) => {
    const statuses = await stackStatus(folder());
    say(options.json === true ? statusJson(statuses) : statusTable(statuses));
    if (statuses.some((status) => status.health !== 'healthy')) process.exitCode = 1;
  });

program
  .command('logs')
  .description('the end of a server’s log')
  .addArgument(new Argument('<name>').choices(SERVICE_NAMES))
  .option('--lines <count>', 'how many lines', parseCount, DEFAULT_LINES)
  .action(async (name: ServiceName, options: { lines: number }) => {
    const log = stackFolder(folder()).log(name);
    say(
      existsSync(log) ? await lastLines(log, options.lines) : `${name} was never started here (no ${log}).`,
    );
  });

program
  .command('reset')
  .description('stop, and delete all that the servers stored')
  .action(() => resetStack(folder(), say));

try {
  await program.parseAsync();
} catch (error) {
  const advice = error instanceof PipelineError ? `\n${error.advice}` : '';
  process.stderr.write(`${messageOf(error)}${advice}\n`);
  process.exitCode = 1;
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number from 1 on.');
}
