import type { Client } from '@temporalio/client';
import { formatDuration } from '../../model/duration.ts';
import { formatTime, printError } from '../cli/output.ts';
import type { SchedulePlan } from './plan.ts';
import { scheduledTimes } from './temporal.ts';

/** A time that no run asks for, since two scheduled times are further apart than the interval is long. */
interface Gap {
  readonly from: Date;
  readonly to: Date;
  readonly seconds: number;
}

const DAY_MS = 86_400_000;

/** More than a year, so that each change of the clocks is in it. */
const AHEAD_MS = 400 * DAY_MS;

/** Of a schedule with more times than these in a year, its first ones are looked at. */
const TIMES = 10_000;

/**
 * Finds the first time that a schedule of intervals leaves out: one that runs from Monday to Friday with an
 * interval of a day leaves out the weekend, one at 3 o'clock in Berlin an hour when the clocks go back.
 */
async function gapOf(client: Client, { source, timing, interval }: SchedulePlan): Promise<Gap | undefined> {
  if (interval === undefined) return undefined;
  // These are evenly spaced: two of them tell.
  const limit = timing.kind === 'every' ? 2 : TIMES;
  const now = Date.now();
  let last: Date | undefined;
  let seen = 0;
  for await (const time of scheduledTimes(client, source, new Date(now), new Date(now + AHEAD_MS))) {
    const begins = new Date(time.getTime() - interval * 1000);
    if (last !== undefined && begins > last)
      return { from: last, to: begins, seconds: (begins.getTime() - last.getTime()) / 1000 };
    last = time;
    seen += 1;
    if (seen >= limit) break;
  }
  return undefined;
}

/** Says where a schedule of intervals, as Temporal has it, leaves out a time. */
export async function warnOfGap(client: Client, plan: SchedulePlan): Promise<void> {
  const gap = await gapOf(client, plan);
  if (gap === undefined) return;
  printError(
    `warning: ${plan.source}: no run asks for the ${formatDuration(gap.seconds)} from ${formatTime(gap.from)} to ${formatTime(gap.to)}; ` +
      'give a longer interval (an attempt that is fetched twice stands once in the views)',
  );
}
