import { CommanderError } from 'commander';
import { PipelineError, messageOf, type ErrorCode } from '../model/errors.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { printError } from './output.ts';
import { loadProgram } from './program.ts';

/** Errors of what a person wrote. */
const USAGE_CODES: ReadonlySet<ErrorCode> = new Set([
  'USAGE_INVALID',
  'SETTINGS_INVALID',
  'SCHEDULE_INVALID',
  'SOURCE_UNKNOWN',
  'TABLE_UNKNOWN',
]);

// A reader that has seen enough, as `head`, ends the command without an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

process.exitCode = await run(process.argv.slice(2));

async function run(words: readonly string[]): Promise<ExitCode> {
  try {
    const program = await loadProgram(words);
    await program.parseAsync(words, { from: 'user' });
    return (process.exitCode as ExitCode | undefined) ?? EXIT.ok;
  } catch (error) {
    if (!(error instanceof CommanderError)) return report(error);
    if (error.exitCode === 0) return EXIT.ok;
    // Without a command there is nothing more to say than the help that was printed.
    if (error.code === 'commander.help') return EXIT.usage;
    return report(new PipelineError('USAGE_INVALID', error.message.replace(/^error: /, '')));
  }

  /** With --json, an error is the last line of standard error, as JSON. */
  function report(error: unknown): ExitCode {
    const message = messageOf(error);
    const { code, advice } = error instanceof PipelineError ? error : { code: null, advice: null };
    if (words.includes('--json')) printError(JSON.stringify({ code, message, advice }));
    else printError(code === null ? message : `${code}: ${message}\n${advice}`);
    return code !== null && USAGE_CODES.has(code) ? EXIT.usage : EXIT.failed;
  }
}
