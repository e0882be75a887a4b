import {
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';

/** A payload that a workflow can send. */
export type LargePayload = 'result' | 'activity' | 'continue-as-new' | 'update';

export const large = defineQuery<string, [number]>('large');
export const enlarge = defineUpdate<string, [number]>('enlarge');

/** Sends a payload of this many characters; a workflow that was continued with one returns at once. */
export async function largePayloads(
  what: LargePayload,
  characters: number,
  carried?: string,
): Promise<string> {
  if (carried !== undefined) return 'continued';
  const { take } = proxyActivities<{ take: (text: string) => Promise<string> }>({
    startToCloseTimeout: '10s',
    retry: { maximumAttempts: 1 },
  });
  const make = (count: number): string => 'x'.repeat(count);
  let isDone = false;
  setHandler(large, make);
  setHandler(enlarge, (count) => {
    isDone = true;
    return make(count);
  });
  switch (what) {
    case 'result':
      return make(characters);
    case 'activity':
      return take(make(characters));
    case 'continue-as-new':
      return continueAsNew<typeof largePayloads>(what, 0, make(characters));
    case 'update':
      await condition(() => isDone, '1m');
      return 'done';
  }
}
