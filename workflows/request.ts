import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { DURATION_EXAMPLES, parseDuration } from '../model/duration.ts';
import { truncate } from '../lib/truncate.ts';
import { isIntervalTime } from '../model/interval-time.ts';
import { MAX_TIME_LENGTH, type IngestRequest } from '../model/run.ts';
import { workflowIdFault } from '../model/run-folder.ts';
import type { RebuildRequest } from '../model/rebuild.ts';
import type { MaintainRequest } from '../model/upkeep.ts';
import { SOURCE_NAME } from '../model/source-name.ts';

/** How many characters an error quotes of a value. */
const MAX_QUOTED = 100;

const TABLES_EXAMPLE = '{"tables": ["attempts"]}';

const KEYS = ['source', 'from', 'to', 'again', 'interval'];

/** Keeps the start of an interval in the years that readers of Parquet know. */
const MAX_INTERVAL_SECONDS = 100 * 366 * 86_400;

/**
 * Validates the request of a run, since the Temporal UI's form accepts anything.
 * @throws {ApplicationFailure} REQUEST_INVALID, with the fault and an example.
 */
export function requireRequest(request: unknown): asserts request is IngestRequest {
  const { source, from, to, again, interval } = requireObject(request, KEYS);
  requireSource(source);
  requireTime('from', from);
  requireTime('to', to);
  if (isGiven(again) && typeof again !== 'boolean')
    throw invalidRequest(`has again = ${quoted(again)}; it must be true or false`);
  if (!isGiven(interval)) return;
  requireInterval(interval);
  if (isGiven(from) || isGiven(to))
    throw invalidRequest('has an interval and from or to; it can have only one of them');
}

/**
 * Returns a request as an object that has no other keys.
 * @throws {ApplicationFailure} REQUEST_INVALID
 */
export function requireObject(
  request: unknown,
  keys: readonly string[],
  example?: string,
): Readonly<Record<string, unknown>> {
  const idFault = workflowIdFault(workflowInfo().workflowId);
  if (idFault !== undefined) throw invalidRequest(idFault, example);
  if (typeof request !== 'object' || request === null || Array.isArray(request))
    throw invalidRequest('must be a JSON object', example);
  const unknown = Object.keys(request).find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    const known = `${keys.length === 1 ? 'there is' : 'there are'} ${keys.join(', ')}`;
    throw invalidRequest(`has the key ${quoted(unknown)}; ${known}`, example);
  }
  return request as Record<string, unknown>;
}

/** Returns whether a field has a value; null means the same as a missing field. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** @throws {ApplicationFailure} REQUEST_INVALID */
export function requireSource(source: unknown, example?: string): void {
  if (typeof source !== 'string' || source === '')
    throw invalidRequest('must name a source, as text', example);
  // An invalid name is not quoted: it may be a URL with a password, or very long.
  if (!SOURCE_NAME.pattern.test(source))
    throw invalidRequest(
      `must name a source of pipeline.yaml; a name is never a URL: it must be ${SOURCE_NAME.rule}`,
      example,
    );
}

function requireTime(name: 'from' | 'to', value: unknown): void {
  if (!isGiven(value)) return;
  if (typeof value !== 'string' || !isIntervalTime(value))
    throw invalidRequest(`has ${name} = ${quoted(value)}; it must be a time, as 2026-01-31T00:00:00Z`);
}

function requireInterval(interval: unknown): void {
  const isShort = typeof interval === 'string' && interval.length <= MAX_TIME_LENGTH;
  const seconds = isShort ? parseDuration(interval) : undefined;
  if (seconds === undefined || seconds > MAX_INTERVAL_SECONDS)
    throw invalidRequest(
      `has interval = ${quoted(interval)}; it must be a duration of at most 100 years, as ${DURATION_EXAMPLES}`,
    );
}

/** The most tables that a request can name. */
const MAX_TABLES = 1000;

/**
 * Validates the request of upkeep. Whether a table exists is checked by the activities.
 * @throws {ApplicationFailure} REQUEST_INVALID, with the fault and an example.
 */
export function requireMaintainRequest(request: unknown): asserts request is MaintainRequest {
  requireTables(request, { canBeMissing: true });
}

/**
 * Validates the request of a rebuild. Whether a table can be rebuilt is checked by the activities.
 * @throws {ApplicationFailure} REQUEST_INVALID, with the fault and an example.
 */
export function requireRebuildRequest(request: unknown): asserts request is RebuildRequest {
  requireTables(request, { canBeMissing: false });
}

function requireTables(request: unknown, { canBeMissing }: { readonly canBeMissing: boolean }): void {
  const { tables } = requireObject(request, ['tables'], TABLES_EXAMPLE);
  if (!isGiven(tables)) {
    if (canBeMissing) return;
    throw invalidRequest('must name the tables', TABLES_EXAMPLE);
  }
  if (!isNames(tables))
    throw invalidRequest(`has tables = ${quoted(tables)}; it must be a list of names`, TABLES_EXAMPLE);
}

function isNames(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length <= MAX_TABLES && value.every((table) => typeof table === 'string')
  );
}

/**
 * Refuses the state of a previous history unless this run continues as new: a client could forge it.
 * Temporal also repeats a workflow's arguments for a retry and by a cron schedule, which count as forged.
 * @throws {ApplicationFailure} REQUEST_INVALID
 */
export function requireContinued(carried: unknown): void {
  if (carried === undefined) return;
  const { continuedFromExecutionRunId, cronSchedule, attempt } = workflowInfo();
  const isContinued =
    continuedFromExecutionRunId !== undefined && (cronSchedule ?? '') === '' && attempt === 1;
  if (!isContinued)
    throw invalidRequest('has a second argument, which only a run that continues itself can have');
}

/** Returns a value as truncated JSON, since the error becomes part of the run's history. */
function quoted(value: unknown): string {
  return truncate(JSON.stringify(value), MAX_QUOTED);
}

/** Returns the error for an invalid request. */
export function invalidRequest(what: string, example = '{"source": "pearson"}'): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`the request ${what}. An example: ${example}`, 'REQUEST_INVALID');
}
