import { PipelineError, messageOf } from '../../../model/errors.ts';
import { shorten } from '../../../model/printable.ts';
import { printError, printErrorJson } from '../output.ts';

/** A line of an error shows so many characters: messages of others can quote a whole value. */
const MAX_LINE_CHARACTERS = 2_000;

/**
 * Writes an error to standard error: its code, its message and what to do. The lines of a message after its first are
 * indented, so that none of them looks like one of ours; those about the words of a command quote only the caller.
 * @param asJson As one line of JSON.
 */
export function printFailure(error: unknown, asJson: boolean): void {
  const message = messageOf(error);
  const { code, advice } = error instanceof PipelineError ? error : { code: null, advice: null };
  if (asJson) printErrorJson({ code, message, advice });
  else {
    const indent = code === 'USAGE_INVALID' ? '' : '  ';
    const [first = '', ...more] = message.split('\n').map((line) => shorten(line, MAX_LINE_CHARACTERS));
    const lines = [first, ...more.map((line) => (line === '' ? '' : `${indent}${line}`))];
    printError(code === null ? lines : [`${code}: ${lines[0] ?? ''}`, ...lines.slice(1), advice]);
  }
}

/** Writes what nobody caught, and Node's warnings, through the same layer. */
export function installUncaughtHandlers(): void {
  process.on('uncaughtException', (error: unknown) => {
    const stack = error instanceof Error ? error.stack : undefined;
    printError((stack ?? messageOf(error)).split('\n'));
    process.exit(1);
  });
  // Node has no listener where it was told to be silent.
  if (process.listenerCount('warning') === 0) return;
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    printError(`${name}: ${message}`);
  });
}
