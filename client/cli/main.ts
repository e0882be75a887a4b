import { existsSync, readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { PipelineError, type ErrorCode } from '../../model/errors.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { printFailure, installUncaughtHandlers } from './output/failures.ts';
import { exitOnClosedPipe } from './output/streams.ts';
import { loadProgram, type ListedCommand } from './program.ts';

/** Errors in arguments or settings, which exit with {@link EXIT}.usage. */
const USAGE_CODES: ReadonlySet<ErrorCode> = new Set([
  'USAGE_INVALID',
  'SETTINGS_INVALID',
  'SCHEDULE_INVALID',
  'SOURCE_UNKNOWN',
  'TABLE_NOT_DERIVED',
  'TABLE_UNKNOWN',
  'VERSION_UNKNOWN',
  'ERASURE_KEY_MISSING',
]);

/** The output of list-commands.ts at the build; missing where the program runs from its sources. */
const LISTED = new URL('commands.json', import.meta.url);

exitOnClosedPipe();
installUncaughtHandlers();

process.exitCode = await run(process.argv.slice(2));

function listedCommands(): ListedCommand[] | undefined {
  return existsSync(LISTED) ? (JSON.parse(readFileSync(LISTED, 'utf8')) as ListedCommand[]) : undefined;
}

async function run(words: readonly string[]): Promise<ExitCode> {
  try {
    const program = await loadProgram(words, listedCommands);
    await program.parseAsync(words, { from: 'user' });
    return (process.exitCode as ExitCode | undefined) ?? EXIT.ok;
  } catch (error) {
    if (!(error instanceof CommanderError)) return report(error);
    if (error.exitCode === 0) return EXIT.ok;
    // Without a command, Commander has printed the help already.
    if (error.code === 'commander.help') return EXIT.usage;
    return report(new PipelineError('USAGE_INVALID', error.message.replace(/^error: /, '')));
  }

  /** Prints an error, with --json as the last line of standard error, and returns the exit code. */
  function report(error: unknown): ExitCode {
    printFailure(error, words.includes('--json'));
    return error instanceof PipelineError && USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failed;
  }
}
