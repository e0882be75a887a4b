import { createLogUpdate } from 'log-update';
import { escapeText } from '../../../model/printable.ts';

/** Whether lines can be redrawn in place: a terminal shows standard error. */
export function canRedraw(): boolean {
  return process.stderr.isTTY;
}

/** Lines on standard error that are redrawn in place, and removed in the end. */
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
