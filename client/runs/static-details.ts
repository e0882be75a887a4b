import { hostname, userInfo } from 'node:os';
import type { WorkflowOptions } from '@temporalio/client';
import type { IngestRequest } from '../../model/run.ts';

/** What Temporal keeps of a run for people to read, from its start on; the run itself never looks at it. */
type AboutRun = Required<Pick<WorkflowOptions, 'memo' | 'staticSummary'>>;

/**
 * What a run was asked for, and by whom.
 * @param startedBy `user@host`, or the schedule.
 */
export function runDetails(request: IngestRequest, startedBy: string): AboutRun {
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

/** Who runs this program: `user@host`. */
export function userAtHost(): string {
  return `${userName()}@${hostname()}`;
}

/** A container may run with the number of a user that its system has no name for. */
function userName(): string {
  try {
    return userInfo().username;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== 'uv_os_get_passwd') throw error;
    return `user ${process.getuid?.() ?? ''}`;
  }
}
