import { createInterface } from 'node:readline/promises';
import { escapeText } from '../../../model/printable.ts';

/** Asks a yes/no question on standard error; end of input counts as no. */
export async function confirm(question: string): Promise<boolean> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const ended = new Promise<string>((resolve) =>
      prompt.once('close', () => {
        resolve('');
      }),
    );
    const answer = await Promise.race([prompt.question(`${escapeText(question)} [y/N] `), ended]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}
