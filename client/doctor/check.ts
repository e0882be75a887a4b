import { PipelineError, messageOf } from '../../model/errors.ts';

/** What was found of one thing: whether it is as it must be, and if not, what can be done. */
export interface Finding {
  readonly state: 'ok' | 'warning' | 'failed';
  /** What was looked at, as `kafka topic attempts`. */
  readonly subject: string;
  readonly says: string;
  /** The named error's code, where there is one. */
  readonly code?: string;
  /** What a person can do; only where something is to be done. */
  readonly advice?: string;
}

/** Looks at one thing. What it throws makes a finding too. */
export interface Check {
  readonly subject: string;
  readonly run: () => Promise<readonly Finding[]>;
}

/** Looks at all things at once; the findings are in the order of the checks. */
export async function runChecks(checks: readonly Check[]): Promise<Finding[]> {
  return (await Promise.all(checks.map(runCheck))).flat();
}

async function runCheck({ subject, run }: Check): Promise<readonly Finding[]> {
  try {
    return await run();
  } catch (error) {
    return [failed(subject, error)];
  }
}

/** A finding of something that is as it must be. */
export function ok(subject: string, says: string): Finding {
  return { state: 'ok', subject, says };
}

/** A finding of something that works, but not for all that it is there for. */
export function warning(subject: string, says: string, advice: string): Finding {
  return { state: 'warning', subject, says, advice };
}

/** A finding of an error. */
export function failed(subject: string, error: unknown): Finding {
  if (!(error instanceof PipelineError))
    return {
      state: 'failed',
      subject,
      says: messageOf(error),
      advice: 'Report this message: the error has no name yet.',
    };
  // A named error says all that there is to say; its cause is for a log.
  const says = error.message.replace(`${subject}: `, '');
  return { state: 'failed', subject, says, code: error.code, advice: error.advice };
}
