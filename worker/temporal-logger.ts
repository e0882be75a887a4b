import type { LogLevel, LogMetadata, Logger as TemporalLogger } from '@temporalio/worker';
import type { Logger } from '../adapters/log.ts';
import { messageOf } from '../model/errors.ts';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** Maps the SDK's field names to ours; undefined drops a field. */
const FIELD_NAMES: Readonly<Record<string, string | undefined>> = {
  workflowId: 'run',
  workflowRunId: 'runId',
  activityType: 'step',
  taskToken: undefined,
};

/** Adapts the pipeline's logger for the Temporal SDK. */
export function temporalLogger(logger: Logger): TemporalLogger {
  const log = (level: LogLevel, message: string, meta?: LogMetadata): void => {
    logger[LEVELS[level]](renameFields(meta), message);
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

function renameFields(meta: LogMetadata = {}): Record<string, unknown> {
  const fields = Object.entries(meta).flatMap(([key, value]) => {
    const name = Object.hasOwn(FIELD_NAMES, key) ? FIELD_NAMES[key] : key;
    // An Error's message is not enumerable, so it would not be serialized.
    return name === undefined
      ? []
      : [[name, value instanceof Error ? messageOf(value) : (value as unknown)] as const];
  });
  return Object.fromEntries(fields);
}
