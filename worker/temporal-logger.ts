import type { LogLevel, LogMetadata, Logger as TemporalLogger } from '@temporalio/worker';
import type { Logger } from '../adapters/log.ts';
import { messageOf } from '../model/errors.ts';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** What the SDK calls otherwise than our own lines do; and a token of its own, which tells nobody anything. */
const OURS: Readonly<Record<string, string | undefined>> = {
  workflowId: 'run',
  workflowRunId: 'runId',
  activityType: 'step',
  taskToken: undefined,
};

/** Hands what Temporal's SDK logs to the one logger. */
export function temporalLogger(logger: Logger): TemporalLogger {
  const log = (level: LogLevel, message: string, meta?: LogMetadata): void => {
    logger[LEVELS[level]](inOurWords(meta), message);
  };
  return {
    log,
    trace: (message, meta) => {
      log('TRACE', message, meta);
    },
    debug: (message, meta) => {
      log('DEBUG', message, meta);
    },
    info: (message, meta) => {
      log('INFO', message, meta);
    },
    warn: (message, meta) => {
      log('WARN', message, meta);
    },
    error: (message, meta) => {
      log('ERROR', message, meta);
    },
  };
}

function inOurWords(meta: LogMetadata = {}): Record<string, unknown> {
  const said = Object.entries(meta).flatMap(([key, value]) => {
    const name = Object.hasOwn(OURS, key) ? OURS[key] : key;
    // The fields of an error are what it was made with; its message is not among them.
    return name === undefined
      ? []
      : [[name, value instanceof Error ? messageOf(value) : (value as unknown)] as const];
  });
  return Object.fromEntries(said);
}
