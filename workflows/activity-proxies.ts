import {
  ActivityFailure,
  ApplicationFailure,
  TimeoutFailure,
  proxyActivities,
  workflowInfo,
  type ActivityInterfaceFor,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ErrorCode } from '../model/errors.ts';
import { hostTaskQueue } from '../model/task-queues.ts';

/**
 * How a step is tried again after a passing error, about four minutes in all; then the run waits for a
 * person. Lasting errors are not tried again: the worker marks them so.
 */
const RETRY = {
  initialInterval: '1s',
  backoffCoefficient: 2,
  maximumInterval: '30s',
  maximumAttempts: 12,
} as const;

/** A worker that is killed is noticed after this. */
const HEARTBEAT_TIMEOUT = '10s';

/** A host whose own task queue nobody serves for so long is taken for gone. */
const HOST_GONE_AFTER = '30s';

const SHORT = {
  startToCloseTimeout: '2m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: RETRY,
} satisfies ActivityOptions;
const LONG = {
  startToCloseTimeout: '30m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: RETRY,
} satisfies ActivityOptions;
const DOWNLOAD = {
  startToCloseTimeout: '6h',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: RETRY,
} satisfies ActivityOptions;

/** Ending a run does not wait long for its row in the table `runs`: what keeps it from there may be why it ends. */
const AT_THE_END = { ...SHORT, scheduleToCloseTimeout: '1m' } satisfies ActivityOptions;

type AnyHostActivities = Pick<Activities, 'fetch' | 'consume' | 'plan' | 'record'>;

/**
 * Activities that any worker can take; `fetch` and `consume` bind what follows to the host that took them.
 * @param summary What it is about, for the Temporal UI.
 */
export function anyHost(summary: string): ActivityInterfaceFor<AnyHostActivities> {
  const { fetch } = proxyActivities<AnyHostActivities>({ ...DOWNLOAD, summary });
  const { consume } = proxyActivities<AnyHostActivities>({ ...LONG, summary });
  const { plan, record } = proxyActivities<AnyHostActivities>({ ...SHORT, summary });
  return { fetch, consume, plan, record };
}

/** Records a run that ends without an outcome, for a minute at most. */
export function recordFailedRun(request: Parameters<Activities['record']>[0]): Promise<void> {
  const summary = 'the run’s row in the table runs';
  return proxyActivities<Pick<Activities, 'record'>>({ ...AT_THE_END, summary }).record(request);
}

type HostActivities = Pick<Activities, 'checkQuarantineLimit' | 'publish' | 'transform' | 'land'>;

/**
 * The activities that need what is staged on a host's disk.
 * @param summary What it is about, for the Temporal UI.
 */
export function onHost(hostId: string, summary: string): ActivityInterfaceFor<HostActivities> {
  return proxyActivities<HostActivities>({
    ...LONG,
    summary,
    taskQueue: hostTaskQueue(workflowInfo().taskQueue, hostId),
    scheduleToStartTimeout: HOST_GONE_AFTER,
  });
}

/** Removes what the run has on a host's disk; a host that does not take it soon is not waited for. */
export async function cleanUpHost(hostId: string): Promise<void> {
  const { cleanUp } = proxyActivities<Pick<Activities, 'cleanUp'>>({
    ...SHORT,
    taskQueue: hostTaskQueue(workflowInfo().taskQueue, hostId),
    scheduleToStartTimeout: '5s',
    retry: { maximumAttempts: 3 },
    summary: 'what the run has on this host’s disk',
  });
  await cleanUp();
}

/** Whether what was staged cannot be had any more, so that it must be made again, wherever. */
export function isHostLost(error: unknown): boolean {
  if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure) {
    return error.cause.timeoutType === 'SCHEDULE_TO_START';
  }
  return hasCode(error, 'STAGING_LOST');
}

/** Whether another run landed a part of the batch in the meantime. */
export function isOvertaken(error: unknown): boolean {
  return hasCode(error, 'OFFSETS_MOVED');
}

/** Whether too many records, or all, would go into quarantine. */
export function isOverLimit(error: unknown): boolean {
  return hasCode(error, 'QUARANTINE_LIMIT') || hasCode(error, 'NOTHING_GOOD');
}

/** Whether Kafka no longer has the markers that prove that the run's content was published. */
export function isUnproven(error: unknown): boolean {
  return hasCode(error, 'CONTENT_UNPROVEN');
}

/** Whether an activity was asked for more than Temporal takes, so that it was not begun. */
export function isTooLarge(error: unknown): error is ApplicationFailure {
  return error instanceof ApplicationFailure && hasCode(error, 'PAYLOAD_TOO_LARGE');
}

/** Whether a batch of Kafka's cannot be decompressed, which consume can pass when a person says so. */
export function isUnreadable(error: unknown): boolean {
  return hasCode(error, 'KAFKA_BATCH_UNREADABLE') || hasCode(error, 'KAFKA_CODEC_MISSING');
}

/** The failure of an activity that the error stands for, if it is one of ours. */
export function failureOf(error: unknown): ApplicationFailure | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure ? cause : undefined;
}

function hasCode(error: unknown, code: ErrorCode): boolean {
  return failureOf(error)?.type === code;
}
