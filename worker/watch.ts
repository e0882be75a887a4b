import { CancelledFailure, Context } from '@temporalio/activity';
import type { ActivityOutboundCallsInterceptor } from '@temporalio/worker';
import { withLogFields, type Logger } from '../adapters/log.ts';
import { PipelineError, messageOf } from '../model/errors.ts';
import { sourceOf, type Settings } from '../model/settings.ts';
import type { Metrics } from './metrics.ts';

/** The label `source` of activities without a source, or with one that the settings do not have. */
export const NO_SOURCE = 'none';

/** The fields of log lines written during an activity. */
interface LogFields extends Readonly<Record<string, unknown>> {
  readonly run: string;
  readonly runId: string;
  readonly source: string;
  readonly step: string;
  readonly attempt: number;
}

/** The log fields of each activity, for lines that Temporal's SDK logs outside of it. */
const fieldsByContext = new WeakMap<Context, LogFields>();

/** Returns an interceptor that adds our log fields to the lines that Temporal's SDK logs about an activity. */
export function namesSource(context: Context): ActivityOutboundCallsInterceptor {
  return { getLogAttributes: (attributes, next) => next({ ...attributes, ...fieldsByContext.get(context) }) };
}

/** How to find an activity's source, and how to count its successful result. */
export interface Watching<Args extends unknown[], Result> {
  readonly sourceOf?: (...args: Args) => string;
  readonly count?: (result: Result, ...args: Args) => void;
}

/** Wraps an activity with logging and metrics. */
export type Watch = <Args extends unknown[], Result>(
  step: string,
  work: (...args: Args) => Promise<Result>,
  watching: Watching<Args, Result>,
) => (...args: Args) => Promise<Result>;

/**
 * Returns a wrapper for activities: adds the run, source and step to the log lines written meanwhile, and records the
 * duration and the counts of a success, or the error code of a failure.
 */
export function watchInto(metrics: Metrics, settings: Settings, logger: Logger): Watch {
  return (step, work, { sourceOf: findSource, count }) =>
    async (...args) => {
      const source = knownSource(settings, () => findSource?.(...args));
      const fields = { ...runFields(), source, step };
      fieldsByContext.set(Context.current(), fields);
      return withLogFields(fields, async () => {
        const startedMs = performance.now();
        try {
          const result = await work(...args);
          metrics.observe('pipeline_step_seconds', { step }, (performance.now() - startedMs) / 1000);
          count?.(result, ...args);
          return result;
        } catch (error) {
          const code = codeOf(error);
          metrics.add('pipeline_step_failures_total', { source, step, code });
          if (error instanceof PipelineError) logger.warn({ code, error: messageOf(error) }, 'a step failed');
          throw error;
        }
      });
    };
}

function runFields(): Pick<LogFields, 'run' | 'runId' | 'attempt'> {
  const { workflowExecution, attempt } = Context.current().info;
  return { run: workflowExecution?.workflowId ?? '', runId: workflowExecution?.runId ?? '', attempt };
}

/** Returns a source of the settings or {@link NO_SOURCE}, so that labels have no values from outside. */
function knownSource(settings: Settings, findSource: () => string | undefined): string {
  try {
    const name = findSource();
    if (name === undefined) return NO_SOURCE;
    sourceOf(settings, name);
    return name;
  } catch (error) {
    // The activity itself reports the error.
    if (error instanceof PipelineError && error.code === 'SOURCE_UNKNOWN') return NO_SOURCE;
    throw error;
  }
}

/** Returns the code of an error: its own, or CANCELLED or UNEXPECTED. */
function codeOf(error: unknown): string {
  if (error instanceof PipelineError) return error.code;
  const { cancellationSignal } = Context.current();
  return error instanceof CancelledFailure || cancellationSignal.aborted ? 'CANCELLED' : 'UNEXPECTED';
}
