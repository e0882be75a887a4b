import { createLogUpdate } from 'log-update';
import { escapeText } from '../../../model/printable.ts';

/** Returns whether standard error is a terminal, in which lines can be redrawn. */
export function canRedraw(): boolean {
  return process.stderr.isTTY;
}

/** Lines on standard error that are redrawn in place until they are removed. */
export class LiveLines {
  readonly #terminal = createLogUpdate(process.stderr);

  show(lines: readonly string[]): void {
    this.#terminal(lines.map(escapeText).join('\n'));
  }

  remove(): void {
    this.#terminal.clear();
    this.#terminal.done();
  }
}
