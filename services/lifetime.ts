/** Functions that end what depends on this process; synchronous. */
const dependents = new Set<() => void>();

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Registers a function that runs when this process ends in any way but SIGKILL: a test that fails or is interrupted
 * must not leave its servers behind.
 *
 * @param end Synchronous: nothing asynchronous runs while the process exits.
 * @returns A function that unregisters it.
 */
export function endWithThisProcess(end: () => void): () => void {
  if (dependents.size === 0) watch();
  dependents.add(end);
  return () => {
    dependents.delete(end);
    if (dependents.size === 0) unwatch();
  };
}

function watch(): void {
  process.on('exit', endAll);
  for (const name of SIGNALS) process.on(name, endAllThenSelf);
}

function unwatch(): void {
  process.off('exit', endAll);
  for (const name of SIGNALS) process.off(name, endAllThenSelf);
}

function endAll(): void {
  // In reverse order: servers before the folder that they use.
  for (const end of [...dependents].reverse()) end();
  dependents.clear();
}

function endAllThenSelf(name: NodeJS.Signals): void {
  endAll();
  unwatch();
  process.kill(process.pid, name); // without listeners the signal has its default action
}
