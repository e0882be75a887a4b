/** What ends with this process, at once and without waiting. */
const dependents = new Set<() => void>();

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Has something ended when this process ends in any way but SIGKILL: a test that fails or is interrupted must not
 * leave its servers behind.
 *
 * @param end Must do its work before it returns; nothing asynchronous runs any more.
 * @returns What takes this back.
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
  // What came last ends first: servers before the folder that they are in.
  for (const end of [...dependents].reverse()) end();
  dependents.clear();
}

function endAllThenSelf(name: NodeJS.Signals): void {
  endAll();
  unwatch();
  process.kill(process.pid, name); // with nobody listening any more it does what it does by default
}
