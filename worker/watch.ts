import { CancelledFailure, Context } from '@temporalio/activity';
import type { ActivityOutboundCallsInterceptor } from '@temporalio/worker';
import { withLogFields, type Logger } from '../adapters/log.ts';
import { PipelineError, messageOf } from '../model/errors.ts';
import { sourceOf, type Settings } from '../model/settings.ts';
import type { Metrics } from './metrics.ts';

/** Stands for a source that the settings do not have: one that was asked for in vain, or none. */
export const NO_SOURCE = 'none';

/** What the lines of a log say of the work that they are about. */
interface LogFields extends Readonly<Record<string, unknown>> {
  readonly run: string;
  readonly runId: string;
  readonly source: string;
  readonly step: string;
  readonly attempt: number;
}

/** What is said of each activity; Temporal's SDK logs some lines outside of it. */
const said = new WeakMap<Context, LogFields>();

/** Has the lines that Temporal's SDK logs of an activity say the same as ours. */
export function namesSource(context: Context): ActivityOutboundCallsInterceptor {
  return { getLogAttributes: (attributes, next) => next({ ...attributes, ...said.get(context) }) };
}

/** What is known of an activity: whom it works for, and what its success counts. */
export interface Watching<Asked extends unknown[], Answer> {
  readonly sourceOf?: (...asked: Asked) => string;
  readonly count?: (answer: Answer, ...asked: Asked) => void;
}

/** Makes an activity out of one, which does the same and is watched. */
export type Watch = <Asked extends unknown[], Answer>(
  step: string,
  work: (...asked: Asked) => Promise<Answer>,
  watching: Watching<Asked, Answer>,
) => (...asked: Asked) => Promise<Answer>;

/**
 * Watches activities: each line that is logged meanwhile says for which run, source and step; how long it took
 * and what it did is measured when it ended well, else how it failed.
 */
export function watchInto(metrics: Metrics, settings: Settings, logger: Logger): Watch {
  return (step, work, { sourceOf: find, count }) =>
    async (...asked) => {
      const source = knownSource(settings, () => find?.(...asked));
      const fields = { ...runFields(), source, step };
      said.set(Context.current(), fields);
      return withLogFields(fields, async () => {
        const began = performance.now();
        try {
          const answer = await work(...asked);
          metrics.observe('pipeline_step_seconds', { step }, (performance.now() - began) / 1000);
          count?.(answer, ...asked);
          return answer;
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

/** A source of the settings, so that a label has no value from outside. */
function knownSource(settings: Settings, find: () => string | undefined): string {
  try {
    const name = find();
    if (name === undefined) return NO_SOURCE;
    sourceOf(settings, name);
    return name;
  } catch (error) {
    // The activity itself says what is wrong with it.
    if (error instanceof PipelineError && error.code === 'SOURCE_UNKNOWN') return NO_SOURCE;
    throw error;
  }
}

/** The code of an error; those of no name are kept apart by whether the activity was cancelled. */
function codeOf(error: unknown): string {
  if (error instanceof PipelineError) return error.code;
  const { cancellationSignal } = Context.current();
  return error instanceof CancelledFailure || cancellationSignal.aborted ? 'CANCELLED' : 'UNEXPECTED';
}
