import { rmSync } from 'node:fs';

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/** Files and folders to remove when this process ends. */
const temporary = new Set<string>();

/** Calls `use`, then removes a file or folder: after success, after an error, and when a signal ends the process. */
export async function withTemporary<T>(path: string, use: () => Promise<T>): Promise<T> {
  if (temporary.size === 0) for (const signal of SIGNALS) process.on(signal, removeAllAndExit);
  temporary.add(path);
  try {
    return await use();
  } finally {
    remove(path);
    temporary.delete(path);
    if (temporary.size === 0) for (const signal of SIGNALS) process.off(signal, removeAllAndExit);
  }
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
