import { rmSync } from 'node:fs';

/** What a shell gives for a program that a signal ended, besides the signal's number. */
const SIGNALLED = 128;
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Does something with a file or folder that must not outlive it, however it ends: well, with an error, or with
 * Ctrl-C, which ends the program.
 */
export async function withTemporary<T>(path: string, use: () => Promise<T>): Promise<T> {
  const remove = (): void => {
    rmSync(path, { recursive: true, force: true });
  };
  const end = (signal: keyof typeof SIGNALS): void => {
    remove();
    process.exit(SIGNALLED + SIGNALS[signal]);
  };
  for (const signal of Object.keys(SIGNALS)) process.once(signal, end);
  try {
    return await use();
  } finally {
    for (const signal of Object.keys(SIGNALS)) process.off(signal, end);
    remove();
  }
}
