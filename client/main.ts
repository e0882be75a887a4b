import { Command, CommanderError } from 'commander';
import { PipelineError, messageOf, type ErrorCode } from '../model/errors.ts';
import { decisionCommands } from './decide.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { printError } from './output.ts';
import { queryCommand } from './query.ts';
import { answersCommand } from './answers.ts';
import { scheduleCommand } from './schedule.ts';
import { startCommand } from './start.ts';
import { statusCommand } from './status.ts';
import { tablesCommand } from './tables.ts';
import { verifyCommand } from './verify.ts';

const program = new Command('pipeline')
  .description('Brings customers’ assessment attempts into tables that can be queried.')
  .option('--config FILE', 'the settings (default: $PIPELINE_CONFIG, else pipeline.yaml)')
  .hook('preAction', (command) => {
    const { config } = command.opts<{ config?: string }>();
    if (config !== undefined) process.env['PIPELINE_CONFIG'] = config;
  })
  .exitOverride()
  .showHelpAfterError('(see: pipeline --help)');

const commands = [
  startCommand(),
  statusCommand(),
  ...decisionCommands(),
  scheduleCommand(),
  answersCommand(),
  queryCommand(),
  tablesCommand(),
  verifyCommand(),
];
for (const command of commands) program.addCommand(command.exitOverride());

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
