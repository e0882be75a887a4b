import { Buffer } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/**
 * Reads the lines of a file, `atOnce` at a time.
 * @param {string} file Its path.
 * @param {number} atOnce The number of lines of each chunk but the last.
 */
export async function* linesOf(file, atOnce) {
  let lines = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    lines.push(Buffer.from(line));
    if (lines.length < atOnce) continue;
    yield lines;
    lines = [];
  }
  if (lines.length > 0) yield lines;
}
