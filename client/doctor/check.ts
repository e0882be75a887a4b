import { PipelineError, messageOf } from '../../model/errors.ts';

/** The result of one check. */
export interface DoctorFinding {
  readonly state: 'ok' | 'warning' | 'failed';
  /** The thing checked, as `kafka topic attempts`. */
  readonly subject: string;
  readonly says: string;
  /** The error's code, if it has one. */
  readonly code?: string;
  /** Advice for the operator; absent if nothing needs to be done. */
  readonly advice?: string;
}

/** A check of one subject; an error that it throws becomes a finding. */
export interface Check {
  readonly subject: string;
  readonly run: () => Promise<readonly DoctorFinding[]>;
}

/** Runs all checks concurrently; the findings are in the order of the checks. */
export async function runChecks(checks: readonly Check[]): Promise<DoctorFinding[]> {
  return (await Promise.all(checks.map(runCheck))).flat();
}

async function runCheck({ subject, run }: Check): Promise<readonly DoctorFinding[]> {
  try {
    return await run();
  } catch (error) {
    return [failed(subject, error)];
  }
}

/** Creates a finding for a passed check. */
export function ok(subject: string, says: string): DoctorFinding {
  return { state: 'ok', subject, says };
}

/** Creates a finding for something that works only in part. */
export function warning(subject: string, says: string, advice: string): DoctorFinding {
  return { state: 'warning', subject, says, advice };
}

/** Creates a finding for an error. */
export function failed(subject: string, error: unknown): DoctorFinding {
  if (!(error instanceof PipelineError))
    return {
      state: 'failed',
      subject,
      says: messageOf(error),
      advice: 'Report this message: it is an unexpected error without a code.',
    };
  // The message of a PipelineError is complete; its cause is for logs.
  const says = error.message.replace(`${subject}: `, '');
  return { state: 'failed', subject, says, code: error.code, advice: error.advice };
}
