import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { escapeLines } from '../../../model/printable.ts';
import { EXIT } from '../exit.ts';

/** Writes text to standard output; the caller has escaped it. */
export function writeOutput(text: string): void {
  process.stdout.write(text);
}

/** Writes text to standard error; the caller has escaped it. */
export function writeError(text: string): void {
  process.stderr.write(text);
}

/** Options of {@link streamOutput}. */
export interface StreamOptions {
  /** Whether texts are written unchanged, for programs; otherwise they are escaped. */
  readonly exact: boolean;
}

/**
 * Writes texts to standard output with backpressure. A reader that closes the pipe early, such as `head`, is no error.
 * @throws {TypeError} for exact output to a terminal
 */
export async function streamOutput(texts: AsyncIterable<string>, { exact }: StreamOptions): Promise<void> {
  if (exact) requireNoTerminal();
  try {
    await pipeline(Readable.from(exact ? texts : escapedTexts(texts)), process.stdout, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

/**
 * Writes bytes to standard output unchanged.
 * @throws {TypeError} when standard output is a terminal
 */
export async function writeBytes(bytes: Uint8Array): Promise<void> {
  requireNoTerminal();
  if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
}

async function* escapedTexts(texts: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const text of texts) yield escapeLines(text);
}

/** Guards against a programming error: commands refuse a terminal earlier, with advice. */
function requireNoTerminal(): void {
  if (isOutputTerminal()) throw new TypeError('a terminal would interpret unescaped output');
}

/** Returns whether standard output is a terminal. */
export function isOutputTerminal(): boolean {
  return process.stdout.isTTY;
}

/** Exits without an error when the reader of standard output, such as `head`, closes the pipe. */
export function exitOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });
}
