import { AsyncLocalStorage } from 'node:async_hooks';
import { pino, type Logger as Pino } from 'pino';
import { escapeJson } from '../model/printable.ts';

/** The logger: one line of JSON per event, on standard error. Lines never contain payloads or secrets. */
export type Logger = Pino;

/** The fields of {@link withLogFields} for the current asynchronous context. */
const fields = new AsyncLocalStorage<Readonly<Record<string, unknown>>>();

/**
 * Creates a logger.
 * @param name The component, as `worker`.
 * @param level The minimum level; default: LOG_LEVEL, else `info`.
 */
export function createLogger(name: string, level = process.env['LOG_LEVEL'] ?? 'info'): Logger {
  const destination = pino.destination({ fd: 2, sync: true });
  return pino(
    { name, level, base: { name, pid: process.pid }, mixin: () => ({ ...fields.getStore() }) },
    // pino does not escape control characters and line separators for terminals.
    { write: (line) => destination.write(escapeJson(line)) },
  );
}

/** Calls `work` and adds fields, such as `run` and `step`, to every line that it logs. */
export function withLogFields<T>(added: Readonly<Record<string, unknown>>, work: () => T): T {
  return fields.run(added, work);
}
