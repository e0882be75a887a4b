import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { DURATION_EXAMPLES, parseDuration } from '../model/duration.ts';
import { isIntervalTime } from '../model/interval-time.ts';
import type { IngestRequest } from '../model/run.ts';
import { SOURCE_NAME } from '../model/source-name.ts';

const KEYS = ['source', 'from', 'to', 'again', 'interval'];

/** Of what was given a message repeats so many characters. */
const MAX_SHOWN_LENGTH = 100;

/** The interval begins that long before its run, in a year that every reader of times knows. */
const MAX_INTERVAL_SECONDS = 100 * 366 * 86_400;

/** The bytes of a workflow's id, as the name of its staging folder has it; beside it stands the id of the run. */
const MAX_WORKFLOW_ID_BYTES = 200;

/**
 * Makes sure that what a run was started with is a request, since the Temporal UI's form takes anything.
 * @throws {ApplicationFailure} REQUEST_INVALID, which says what is off and shows how it must be.
 */
export function requireRequest(request: unknown): asserts request is IngestRequest {
  requireShortId(workflowInfo().workflowId);
  if (typeof request !== 'object' || request === null || Array.isArray(request))
    throw invalid('must be a JSON object');
  const unknown = Object.keys(request).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw invalid(`has the key ${shown(unknown)}; there are ${KEYS.join(', ')}`);
  const { source, from, to, again, interval } = request as Record<string, unknown>;
  if (typeof source !== 'string' || source === '') throw invalid('must name a source, as text');
  // What no source can be called is not repeated: it may be a URL with a password, or longer than Temporal takes.
  if (!SOURCE_NAME.pattern.test(source))
    throw invalid(
      `must name a source of pipeline.yaml; a name is never a URL: it must be ${SOURCE_NAME.rule}`,
    );
  for (const [name, value] of Object.entries({ from, to })) {
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string' || !isIntervalTime(value))
      throw invalid(`has ${name} = ${shown(value)}; it must be a time, as 2026-01-31T00:00:00Z`);
  }
  if (again !== undefined && again !== null && typeof again !== 'boolean')
    throw invalid(`has again = ${shown(again)}; it must be true or false`);
  if (interval === undefined || interval === null) return;
  const seconds = typeof interval === 'string' ? parseDuration(interval) : undefined;
  if (seconds === undefined || seconds > MAX_INTERVAL_SECONDS)
    throw invalid(
      `has interval = ${shown(interval)}; it must be a duration of at most 100 years, as ${DURATION_EXAMPLES}`,
    );
  if ((from ?? to ?? null) !== null)
    throw invalid('has an interval and from or to; it can have only one of them');
}

/**
 * Makes sure that what a run goes on with comes from its last history: whoever starts a workflow can give it anything.
 * Temporal starts a workflow anew with the arguments that it was given also for a retry and by a cron schedule.
 * @throws {ApplicationFailure} REQUEST_INVALID
 */
export function requireContinued(carried: unknown): void {
  if (carried === undefined) return;
  const { continuedFromExecutionRunId, cronSchedule, attempt } = workflowInfo();
  const isContinued =
    continuedFromExecutionRunId !== undefined && (cronSchedule ?? '') === '' && attempt === 1;
  if (!isContinued) throw invalid('has a second argument, which only a run that continues itself can have');
}

function requireShortId(workflowId: string): void {
  const { length } = encodeURIComponent(workflowId);
  if (length <= MAX_WORKFLOW_ID_BYTES) return;
  throw ApplicationFailure.nonRetryable(
    `the workflow id has ${length} bytes in URL encoding, and may have ${MAX_WORKFLOW_ID_BYTES}, since a folder is named ` +
      'after it: start the run with a shorter one',
    'REQUEST_INVALID',
  );
}

function shown(value: unknown): string {
  const json = JSON.stringify(value);
  return json.length > MAX_SHOWN_LENGTH ? `${json.slice(0, MAX_SHOWN_LENGTH - 1)}…` : json;
}

function invalid(what: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `the request ${what}. An example: {"source": "pearson"}`,
    'REQUEST_INVALID',
  );
}
