import { DURATION_EXAMPLES, formatDuration, parseDuration } from './duration.ts';

/** When a source's schedule starts runs, as a person writes it: for `pipeline schedule set`, or in the settings. */
export interface ScheduleWords {
  readonly every?: string | undefined;
  readonly cron?: string | undefined;
  readonly timezone?: string | undefined;
  readonly interval?: string | undefined;
  readonly catchUp?: string | undefined;
}

/** One of {@link ScheduleWords}. */
export type ScheduleWord = keyof ScheduleWords;

/** When a schedule starts runs. `every` counts from the beginning of 1970 in UTC, so 1h is each full hour. */
export type Timing =
  | { readonly kind: 'every'; readonly seconds: number }
  | { readonly kind: 'cron'; readonly expression: string; readonly timezone: string };

/** What the words of a schedule mean. */
export interface ScheduleMeaning {
  readonly timing: Timing;
  /** How long before its scheduled time each run asks the customer for, in seconds; undefined for all. */
  readonly interval: number | undefined;
  /** For how many seconds times that passed while Temporal was down are made up for. */
  readonly catchUp: number;
}

/** Says which word is off; none where it is that words are missing or exclude each other. */
export class WordError extends Error {
  override readonly name = 'WordError';
  readonly word: ScheduleWord | undefined;

  constructor(word: ScheduleWord | undefined, message: string) {
    super(message);
    this.word = word;
  }
}

/** An outage over a weekend loses nothing. */
export const CATCH_UP_DEFAULT = 259_200;

/** Temporal takes less for this. */
const CATCH_UP_LEAST = 10;

const PLACEHOLDER = /\{(from|to)\}/;

/**
 * Reads the words of a schedule.
 * @param url Of its source: with {from} or {to} in it, runs ask for intervals.
 * @param named How a word is written where these stand, as --every.
 * @throws {WordError}
 */
export function readSchedule(
  words: ScheduleWords,
  url: string | undefined,
  named: (word: ScheduleWord) => string,
): ScheduleMeaning {
  const timing = timingOf(words, named);
  return { timing, interval: intervalOf(words, timing, url, named), catchUp: catchUpOf(words) };
}

function timingOf({ every, cron, timezone }: ScheduleWords, named: (word: ScheduleWord) => string): Timing {
  if ((every === undefined) === (cron === undefined))
    throw new WordError(
      undefined,
      `give one of ${named('every')}, as 15m, and ${named('cron')}, as "0 3 * * *"`,
    );
  if (every !== undefined) {
    if (timezone !== undefined)
      throw new WordError('timezone', `belongs to ${named('cron')}; ${named('every')} counts in UTC`);
    return { kind: 'every', seconds: secondsOf('every', every) };
  }
  const expression = (cron ?? '').trim();
  if (expression === '') throw new WordError('cron', 'must be an expression, as "0 3 * * *"');
  if (/^@every\b/.test(expression)) throw new WordError('cron', `give ${named('every')} instead`);
  if (/^(CRON_)?TZ=/.test(expression)) throw new WordError('cron', `give ${named('timezone')} instead`);
  if (expression.includes('#')) throw new WordError('cron', 'can have no comment; give a note instead');
  return { kind: 'cron', expression, timezone: timezoneOf(timezone ?? 'UTC') };
}

function intervalOf(
  { interval }: ScheduleWords,
  timing: Timing,
  url: string | undefined,
  named: (word: ScheduleWord) => string,
): number | undefined {
  if (!PLACEHOLDER.test(url ?? '')) {
    if (interval === undefined || interval === 'none') return undefined;
    throw new WordError(
      'interval',
      'the url of the source has neither {from} nor {to}, so each run asks for all',
    );
  }
  if (interval === 'none')
    throw new WordError('interval', 'the url of the source has {from} or {to}, so it needs an interval');
  if (interval !== undefined) return secondsOf('interval', interval);
  if (timing.kind === 'every') return timing.seconds;
  throw new WordError(
    undefined,
    `the url of the source has {from} or {to}: say with ${named('interval')} how much each run brings, as 1d for one each day`,
  );
}

function catchUpOf({ catchUp }: ScheduleWords): number {
  const seconds = catchUp === undefined ? CATCH_UP_DEFAULT : secondsOf('catchUp', catchUp);
  if (seconds >= CATCH_UP_LEAST) return seconds;
  throw new WordError('catchUp', `must be at least ${formatDuration(CATCH_UP_LEAST)}`);
}

function secondsOf(word: ScheduleWord, text: string): number {
  const seconds = parseDuration(text);
  if (seconds !== undefined) return seconds;
  throw new WordError(word, `must be a duration of whole seconds, as ${DURATION_EXAMPLES}`);
}

function timezoneOf(name: string): string {
  if (isTimezone(name)) return name;
  throw new WordError('timezone', "must be a time zone's name, as Europe/Berlin");
}

function isTimezone(name: string): boolean {
  // An offset, as +02:00, is one to Intl, but not to Temporal.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch (cause) {
    if (cause instanceof RangeError) return false;
    throw cause;
  }
}
