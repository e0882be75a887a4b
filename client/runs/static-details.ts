import { hostname, userInfo } from 'node:os';
import type { WorkflowOptions } from '@temporalio/client';
import type { IngestRequest } from '../../model/run.ts';

/** Metadata that Temporal shows with a run; the run itself never reads it. */
type RunDetails = Required<Pick<WorkflowOptions, 'memo' | 'staticSummary'>>;

/**
 * Describes a run's request and its originator for the Temporal UI.
 * @param startedBy `user@host`, or the schedule
 */
export function describeRequest(request: IngestRequest, startedBy: string): RunDetails {
  return { staticSummary: summaryOf(request), memo: { request, startedBy } };
}

function summaryOf({ again, ...request }: IngestRequest): string {
  return again === true ? `${contentOf(request)}, again` : contentOf(request);
}

function contentOf({ source, from, to, interval }: IngestRequest): string {
  if (interval !== undefined) return `ingest ${source}, the ${interval} before its time`;
  if (from === undefined && to === undefined) return `ingest ${source}`;
  return `ingest ${source}, ${from ?? '…'} to ${to ?? '…'}`;
}

/** Returns the user of this process as `user@host`. */
export function userAtHost(): string {
  return `${userName()}@${hostname()}`;
}

/** Falls back to the user id: a container may run as a user without a name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== 'uv_os_get_passwd') throw error;
    return `user ${process.getuid?.() ?? ''}`;
  }
}
