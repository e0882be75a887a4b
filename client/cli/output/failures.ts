import { PipelineError, messageOf } from '../../../model/errors.ts';
import { shorten } from '../../../model/printable.ts';
import { printError, printErrorJson } from '../output.ts';

/** Longer lines of an error are cut: messages of libraries can quote a whole value. */
const MAX_LINE_CHARACTERS = 2_000;

/**
 * Writes an error to standard error: its code, its message and its advice. Continuation lines of a message are indented,
 * so that quoted data cannot imitate an error; usage errors are not, since they quote only the caller's own arguments.
 * @param asJson Whether to write it as one line of JSON.
 */
export function printFailure(error: unknown, asJson: boolean): void {
  const message = messageOf(error);
  const { code, advice } = error instanceof PipelineError ? error : { code: null, advice: null };
  if (asJson) printErrorJson({ code, message, advice });
  else {
    const indent = code === 'USAGE_INVALID' ? '' : '  ';
    const [first = '', ...rest] = message.split('\n').map((line) => shorten(line, MAX_LINE_CHARACTERS));
    const lines = [first, ...rest.map((line) => (line === '' ? '' : `${indent}${line}`))];
    printError(code === null ? lines : [`${code}: ${lines[0] ?? ''}`, ...lines.slice(1), advice]);
  }
}

/** Writes uncaught exceptions and Node's warnings escaped, like everything else. */
export function installUncaughtHandlers(): void {
  process.on('uncaughtException', (error: unknown) => {
    const stack = error instanceof Error ? error.stack : undefined;
    printError((stack ?? messageOf(error)).split('\n'));
    process.exit(1);
  });
  // With --no-warnings, Node installs no listener.
  if (process.listenerCount('warning') === 0) return;
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    printError(`${name}: ${message}`);
  });
}
