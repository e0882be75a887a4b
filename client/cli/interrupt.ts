import { rmSync } from 'node:fs';

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/** What must not outlive this program. */
const temporary = new Set<string>();

/**
 * Does something with a file or folder that must not outlive it, however it ends: well, with an error, or with
 * Ctrl-C, which ends the program.
 */
export async function withTemporary<T>(path: string, use: () => Promise<T>): Promise<T> {
  if (temporary.size === 0) for (const signal of SIGNALS) process.on(signal, end);
  temporary.add(path);
  try {
    return await use();
  } finally {
    remove(path);
    temporary.delete(path);
    if (temporary.size === 0) for (const signal of SIGNALS) process.off(signal, end);
  }
}

function end(signal: NodeJS.Signals): void {
  for (const path of temporary) remove(path);
  for (const one of SIGNALS) process.off(one, end);
  // As if nobody had listened: process.exit would first wait for what DuckDB does.
  process.kill(process.pid, signal);
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}
