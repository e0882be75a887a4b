import { indexIn, type Random, risingSums } from './random.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Number of days over which a feed's attempts spread. */
export const DAYS = 68;

/** Weights of the hours of the day (UTC), and of the days of the week from Sunday on. */
const HOURS = [7, 7, 6, 6, 8, 9, 14, 14, 13, 13, 13, 16, 14, 22, 22, 21, 19, 19, 13, 15, 14, 20, 13, 9];
const WEEKDAYS = [30, 48, 66, 56, 62, 44, 22];

/** Start times of attempts over {@link DAYS} days, with busy and quiet hours and weekdays. */
export class Calendar {
  readonly #sinceMs: number;
  readonly #sums: readonly number[];

  /** @param sinceMs The first day's first millisecond, since the epoch, in UTC. */
  constructor(sinceMs: number) {
    this.#sinceMs = sinceMs;
    const weights = Array.from({ length: DAYS }, (_, day) => {
      const weekday = new Date(sinceMs + day * DAY_MS).getUTCDay();
      return HOURS.map((hour) => hour * (WEEKDAYS[weekday] ?? 0));
    });
    this.#sums = risingSums(weights.flat());
  }

  /** Draws a start time, in milliseconds since the epoch. */
  draw(random: Random): number {
    const hour = indexIn(this.#sums, random.below(this.#sums.at(-1) ?? 0));
    return this.#sinceMs + hour * HOUR_MS + random.below(HOUR_MS);
  }
}
