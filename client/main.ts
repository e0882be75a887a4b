import { Command, CommanderError } from 'commander';
import { PipelineError, messageOf, type ErrorCode } from '../model/errors.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { printError } from './output.ts';

const program = new Command('pipeline')
  .description('Brings customers’ assessment attempts into tables that can be queried.')
  .option('--config <file>', 'the settings (default: $PIPELINE_CONFIG, else pipeline.yaml)')
  .hook('preAction', (command) => {
    const { config } = command.opts<{ config?: string }>();
    if (config !== undefined) process.env['PIPELINE_CONFIG'] = config;
  })
  .exitOverride()
  .showHelpAfterError('(see: pipeline --help)');

/** The commands, in the order of the help. */
const LOADERS: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import('./start.ts')).startCommand(),
  status: async () => (await import('./status.ts')).statusCommand(),
  retry: async () => (await import('./decide.ts')).decisionCommand('retry'),
  skip: async () => (await import('./decide.ts')).decisionCommand('skip'),
  abort: async () => (await import('./decide.ts')).decisionCommand('abort'),
  schedule: async () => (await import('./schedule.ts')).scheduleCommand(),
  quarantine: async () => (await import('./quarantine.ts')).quarantineCommand(),
  answers: async () => (await import('./answers.ts')).answersCommand(),
  query: async () => (await import('./query.ts')).queryCommand(),
  tables: async () => (await import('./tables.ts')).tablesCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
  verify: async () => (await import('./verify.ts')).verifyCommand(),
};

// The command that is named is loaded alone: what others need, as DuckDB, takes its time.
const named = process.argv.slice(2).find((word) => Object.hasOwn(LOADERS, word));
for (const [name, load] of Object.entries(LOADERS)) {
  if (named === undefined || named === name) program.addCommand((await load()).exitOverride());
}

// A reader that has seen enough, as `head`, ends the command without an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

/** Errors of what a person wrote. */
const USAGE_CODES: ReadonlySet<ErrorCode> = new Set(['SETTINGS_INVALID', 'SCHEDULE_INVALID']);

process.exitCode = await run();

async function run(): Promise<ExitCode> {
  try {
    await program.parseAsync();
    return (process.exitCode as ExitCode | undefined) ?? EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    printError(
      error instanceof PipelineError
        ? `${error.code}: ${messageOf(error)}\n${error.advice}`
        : messageOf(error),
    );
    return error instanceof PipelineError && USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failed;
  }
}
