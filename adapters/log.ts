import { pino, type Logger as Pino } from 'pino';

/** The one logger: a JSON line an event, on standard error. No line holds a payload or a secret. */
export type Logger = Pino;

/**
 * @param name Which part of the product speaks, as `worker`.
 * @param level The least level to write; `info` unless LOG_LEVEL says otherwise.
 */
export function createLogger(name: string, level = process.env['LOG_LEVEL'] ?? 'info'): Logger {
  return pino({ name, level, base: { name, pid: process.pid } }, pino.destination({ fd: 2, sync: true }));
}
