import type { Client } from '@temporalio/client';
import { formatDuration } from '../../model/duration.ts';
import { formatTime, printError } from '../cli/output.ts';
import type { SchedulePlan } from './plan.ts';
import { scheduledTimes } from './temporal.ts';

/** A period that no run fetches: two scheduled times are further apart than the interval is long. */
interface Gap {
  readonly from: Date;
  readonly to: Date;
  readonly seconds: number;
}

const DAY_MS = 86_400_000;

/** More than a year, so that it covers every daylight-saving change. */
const LOOKAHEAD_MS = 400 * DAY_MS;

/** Maximum number of scheduled times that are checked. */
const MAX_TIMES = 10_000;

/**
 * Finds the first gap of a schedule with an interval. A schedule from Monday to Friday with an interval of a day leaves
 * out the weekend; a daily one in a time zone with daylight saving leaves out an hour when clocks go back.
 */
async function findGap(client: Client, { source, timing, interval }: SchedulePlan): Promise<Gap | undefined> {
  if (interval === undefined) return undefined;
  // Evenly spaced times: two of them suffice.
  const limit = timing.kind === 'every' ? 2 : MAX_TIMES;
  const now = Date.now();
  let previous: Date | undefined;
  let count = 0;
  for await (const time of scheduledTimes(client, source, new Date(now), new Date(now + LOOKAHEAD_MS))) {
    const begins = new Date(time.getTime() - interval * 1000);
    if (previous !== undefined && begins > previous)
      return { from: previous, to: begins, seconds: (begins.getTime() - previous.getTime()) / 1000 };
    previous = time;
    count += 1;
    if (count >= limit) break;
  }
  return undefined;
}

/** Warns on standard error if the intervals of a schedule in Temporal leave a gap. */
export async function warnOfGap(client: Client, plan: SchedulePlan): Promise<void> {
  const gap = await findGap(client, plan);
  if (gap === undefined) return;
  printError(
    `warning: ${plan.source}: no run fetches the ${formatDuration(gap.seconds)} from ${formatTime(gap.from)} to ${formatTime(gap.to)}; ` +
      'set a longer interval (the deduplicated views contain an attempt once even if it is fetched twice)',
  );
}
