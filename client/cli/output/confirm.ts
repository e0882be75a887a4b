import { createInterface } from 'node:readline/promises';
import { escapeText } from '../../../model/printable.ts';

/** Asks the person on standard error; no answer is a no. */
export async function confirm(question: string): Promise<boolean> {
  const ask = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const ended = new Promise<string>((resolve) =>
      ask.once('close', () => {
        resolve('');
      }),
    );
    const answer = await Promise.race([ask.question(`${escapeText(question)} [y/N] `), ended]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    ask.close();
  }
}
