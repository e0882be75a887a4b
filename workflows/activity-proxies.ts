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
 * Retries a transient error for about four minutes; then the run waits for a decision. The worker marks permanent errors
 * as not retryable.
 */
const RETRY = {
  initialInterval: '1s',
  backoffCoefficient: 2,
  maximumInterval: '30s',
  maximumAttempts: 12,
} as const;

/** The time after which a killed worker is noticed. */
const HEARTBEAT_TIMEOUT = '10s';

/** A host whose own task queue is not polled for this long counts as lost. */
const HOST_LOST_TIMEOUT = '30s';

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

/** Bounds the record of a failed run: HDFS, which it is written to, may be why the run failed. */
const AT_FAILURE = { ...SHORT, scheduleToCloseTimeout: '1m' } satisfies ActivityOptions;

type AnyHostActivities = Pick<Activities, 'fetch' | 'consume' | 'plan' | 'record'>;

/**
 * Returns the activities that any worker can run. The host that runs `fetch` or `consume` keeps the files, so the
 * activities that follow run there.
 * @param summary Shown in the Temporal UI beside the activity's name.
 */
export function anyHost(summary: string): ActivityInterfaceFor<AnyHostActivities> {
  const { fetch } = proxyActivities<AnyHostActivities>({ ...DOWNLOAD, summary });
  const { consume } = proxyActivities<AnyHostActivities>({ ...LONG, summary });
  const { plan, record } = proxyActivities<AnyHostActivities>({ ...SHORT, summary });
  return { fetch, consume, plan, record };
}

/** Records a run that failed; gives up after a minute. */
export function recordFailedRun(request: Parameters<Activities['record']>[0]): Promise<void> {
  const summary = 'the run’s row in the table runs';
  return proxyActivities<Pick<Activities, 'record'>>({ ...AT_FAILURE, summary }).record(request);
}

type HostActivities = Pick<Activities, 'checkQuarantineLimit' | 'publish' | 'transform' | 'land'>;

/**
 * Returns the activities that read files staged on a host's disk.
 * @param summary Shown in the Temporal UI beside the activity's name.
 */
export function onHost(hostId: string, summary: string): ActivityInterfaceFor<HostActivities> {
  return proxyActivities<HostActivities>({
    ...LONG,
    summary,
    taskQueue: hostTaskQueue(workflowInfo().taskQueue, hostId),
    scheduleToStartTimeout: HOST_LOST_TIMEOUT,
  });
}

/** Removes the run's files from a host's disk; gives up soon where the host does not answer. */
export async function cleanUpHost(hostId: string): Promise<void> {
  const { cleanUp } = proxyActivities<Pick<Activities, 'cleanUp'>>({
    ...SHORT,
    taskQueue: hostTaskQueue(workflowInfo().taskQueue, hostId),
    scheduleToStartTimeout: '5s',
    retry: { maximumAttempts: 3 },
    summary: 'the run’s files on this host’s disk',
  });
  await cleanUp();
}

type UpkeepActivities = Pick<Activities, 'listTables' | 'compact' | 'cleanLog' | 'vacuum' | 'cleanUp'>;

/**
 * Returns the activities of upkeep, which any worker can run.
 * @param summary Shown in the Temporal UI beside the activity's name.
 */
export function upkeepOf(summary: string): ActivityInterfaceFor<UpkeepActivities> {
  return proxyActivities<UpkeepActivities>({ ...LONG, summary });
}

type RebuildActivities = Pick<Activities, 'planRebuild' | 'rebuildPart' | 'commitRebuild' | 'cleanUp'>;

/**
 * Returns the activities of a rebuild, which any worker can run.
 * @param summary Shown in the Temporal UI beside the activity's name.
 */
export function rebuildOf(summary: string): ActivityInterfaceFor<RebuildActivities> {
  return proxyActivities<RebuildActivities>({ ...LONG, summary });
}

type ErasureActivities = Pick<
  Activities,
  'suppress' | 'findMessages' | 'eraseTable' | 'kafkaExpiry' | 'recordErasure' | 'cleanUp'
>;

/**
 * Returns the activities of an erasure, which any worker can run.
 * @param summary Shown in the Temporal UI beside the activity's name.
 */
export function erasureOf(summary: string): ActivityInterfaceFor<ErasureActivities> {
  return proxyActivities<ErasureActivities>({ ...DOWNLOAD, summary });
}

/** Whether staged files are lost, so that any host must make them again. */
export function isHostLost(error: unknown): boolean {
  if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure) {
    return error.cause.timeoutType === 'SCHEDULE_TO_START';
  }
  return hasCode(error, 'STAGING_LOST');
}

/** Whether another run landed a part of the batch meanwhile. */
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

/** Whether an input or a result is larger than Temporal accepts. */
export function isTooLarge(error: unknown): error is ApplicationFailure {
  return error instanceof ApplicationFailure && hasCode(error, 'PAYLOAD_TOO_LARGE');
}

/** Whether a batch of Kafka cannot be decompressed; `consume` can skip it after a decision. */
export function isUnreadable(error: unknown): boolean {
  return hasCode(error, 'KAFKA_BATCH_UNREADABLE') || hasCode(error, 'KAFKA_CODEC_MISSING');
}

/** Returns the failure behind an error of an activity; undefined where it is no ApplicationFailure. */
export function failureOf(error: unknown): ApplicationFailure | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure ? cause : undefined;
}

function hasCode(error: unknown, code: ErrorCode): boolean {
  return failureOf(error)?.type === code;
}
