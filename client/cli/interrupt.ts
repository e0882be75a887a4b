import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/** Files and folders to remove when this process ends. */
const temporary = new Set<string>();
/** The number of calls of {@link withTemporary} that have not ended. */
let calls = 0;

/**
 * Calls `use` with a file or folder, then removes it: after success, after an error, and when a signal ends the process.
 * @param make Makes the file or folder, and returns its path. A signal is handled only after it has returned.
 */
export async function withTemporary<T>(make: () => string, use: (path: string) => Promise<T>): Promise<T> {
  if (calls === 0) for (const signal of SIGNALS) process.on(signal, removeAllAndExit);
  calls += 1;
  try {
    const path = make();
    temporary.add(path);
    try {
      return await use(path);
    } finally {
      remove(path);
      temporary.delete(path);
    }
  } finally {
    calls -= 1;
    if (calls === 0) for (const signal of SIGNALS) process.off(signal, removeAllAndExit);
  }
}

/** Does the same as {@link withTemporary} with a new folder. */
export async function withTemporaryFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  return withTemporary(() => mkdtempSync(join(tmpdir(), 'assessment-pipeline-')), use);
}

function removeAllAndExit(signal: NodeJS.Signals): void {
  for (const path of temporary) remove(path);
  for (const name of SIGNALS) process.off(name, removeAllAndExit);
  // The signal's default action, since process.exit would wait for DuckDB's threads first.
  process.kill(process.pid, signal);
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}
