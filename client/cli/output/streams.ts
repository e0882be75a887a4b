import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { escapeLines } from '../../../model/printable.ts';
import { EXIT } from '../exit.ts';

/** Writes text to standard output, in which everything from outside is escaped already. */
export function writeOutput(text: string): void {
  process.stdout.write(text);
}

/** Writes text to standard error, likewise. */
export function writeError(text: string): void {
  process.stderr.write(text);
}

/** Whether a stream is for programs, which read it byte for byte, or is escaped once more as it passes. */
export interface StreamOptions {
  readonly exact: boolean;
}

/**
 * Writes texts to standard output as fast as they are read; a reader that has seen enough, as `head`, ends it without
 * an error.
 */
export async function streamOutput(texts: AsyncIterable<string>, { exact }: StreamOptions): Promise<void> {
  if (exact) requireNoTerminal();
  try {
    await pipeline(Readable.from(exact ? texts : escapedTexts(texts)), process.stdout, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

/** Writes bytes to standard output as they are. */
export async function writeBytes(bytes: Uint8Array): Promise<void> {
  requireNoTerminal();
  if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
}

async function* escapedTexts(texts: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const text of texts) yield escapeLines(text);
}

/** Callers say before what else can be done; this is for those that forget. */
function requireNoTerminal(): void {
  if (isOutputTerminal()) throw new TypeError('a terminal would obey what is written to it as it is');
}

/** Whether a terminal shows what is written to standard output. */
export function isOutputTerminal(): boolean {
  return process.stdout.isTTY;
}

/** Ends the command without an error when a reader of its output, as `head`, has seen enough. */
export function exitOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });
}
