import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';

/** An activity to be scheduled, with whatever input. */
export interface ActivityCall {
  readonly activity: string;
  readonly taskQueue: string;
  readonly input: readonly unknown[];
}

/** The result of the activity, or the code and the message of its error. */
export interface ActivityOutcome {
  readonly result?: unknown;
  readonly code?: string;
  readonly message?: string;
}

export const call = defineUpdate<ActivityOutcome, [ActivityCall]>('call');
export const end = defineSignal('end');

/** Schedules any activities on any task queue, as any client with write access to the namespace can. */
export async function hostile(): Promise<void> {
  let isEnded = false;
  setHandler(end, () => {
    isEnded = true;
  });
  setHandler(call, async ({ activity, taskQueue, input }) => {
    const activities = proxyActivities<Record<string, (...input: unknown[]) => Promise<unknown>>>({
      taskQueue,
      startToCloseTimeout: '1m',
      retry: { maximumAttempts: 1 },
    });
    try {
      return { result: await activities[activity]?.(...input) };
    } catch (error) {
      const cause = error instanceof ActivityFailure ? error.cause : error;
      if (!(cause instanceof ApplicationFailure)) throw error;
      return { code: cause.type ?? '', message: cause.message };
    }
  });
  await condition(() => isEnded);
}
