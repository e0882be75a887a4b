import { AsyncLocalStorage } from 'node:async_hooks';
import { pino, type Logger as Pino } from 'pino';
import { escapeJson } from '../model/printable.ts';

/** The one logger: a JSON line an event, on standard error. No line holds a payload or a secret. */
export type Logger = Pino;

/** What each line says that is written while a piece of work goes on. */
const fields = new AsyncLocalStorage<Readonly<Record<string, unknown>>>();

/**
 * @param name Which part of the product speaks, as `worker`.
 * @param level The least level to write; `info` unless LOG_LEVEL says otherwise.
 */
export function createLogger(name: string, level = process.env['LOG_LEVEL'] ?? 'info'): Logger {
  const destination = pino.destination({ fd: 2, sync: true });
  return pino(
    { name, level, base: { name, pid: process.pid }, mixin: () => ({ ...fields.getStore() }) },
    // pino leaves characters that a terminal obeys, or takes for the end of a line, as they are.
    { write: (line) => destination.write(escapeJson(line)) },
  );
}

/** Does some work, and has each line that is logged meanwhile say these things, as `run` and `step`. */
export function withLogFields<T>(said: Readonly<Record<string, unknown>>, work: () => T): T {
  return fields.run(said, work);
}
