import { DURATION_EXAMPLES, formatDuration, parseDuration } from './duration.ts';

/** The timing of a source's schedule as text: options of `pipeline schedule set`, or keys of the settings. */
export interface ScheduleInput {
  readonly every?: string | undefined;
  readonly cron?: string | undefined;
  readonly timezone?: string | undefined;
  readonly interval?: string | undefined;
  readonly catchUp?: string | undefined;
}

/** A key of {@link ScheduleInput}. */
export type ScheduleKey = keyof ScheduleInput;

/** When a schedule starts runs. `every` counts from 1970 in UTC, so 1h means every full hour. */
export type Timing =
  | { readonly kind: 'every'; readonly seconds: number }
  | { readonly kind: 'cron'; readonly expression: string; readonly timezone: string };

/** The parsed {@link ScheduleInput}. */
export interface ParsedSchedule {
  readonly timing: Timing;
  /** The length of the interval before the scheduled time that each run requests, in seconds; undefined for no interval. */
  readonly interval: number | undefined;
  /** The catch-up window in seconds: runs missed within it during an outage of Temporal are started afterwards. */
  readonly catchUp: number;
}

/** An invalid schedule; `word` is the invalid key, or undefined if keys are missing or exclude each other. */
export class ScheduleKeyError extends Error {
  override readonly name = 'ScheduleKeyError';
  readonly word: ScheduleKey | undefined;

  constructor(word: ScheduleKey | undefined, message: string) {
    super(message);
    this.word = word;
  }
}

/** In seconds: three days, to cover an outage over a weekend. */
export const CATCH_UP_DEFAULT = 259_200;

/** Temporal's own minimum, in seconds; smaller values are raised to it. */
const MIN_CATCH_UP = 10;

const PLACEHOLDER = /\{(from|to)\}/;

/**
 * Parses and validates a schedule.
 * @param templates The texts of the source's requests; if they have {from} or {to}, runs request intervals.
 * @param named Formats a key for messages, as --every.
 * @throws {ScheduleKeyError}
 */
export function parseSchedule(
  input: ScheduleInput,
  templates: string | undefined,
  named: (word: ScheduleKey) => string,
): ParsedSchedule {
  const timing = parseTiming(input, named);
  return { timing, interval: parseInterval(input, timing, templates, named), catchUp: parseCatchUp(input) };
}

function parseTiming({ every, cron, timezone }: ScheduleInput, named: (word: ScheduleKey) => string): Timing {
  if ((every === undefined) === (cron === undefined))
    throw new ScheduleKeyError(
      undefined,
      `give one of ${named('every')}, as 15m, and ${named('cron')}, as "0 3 * * *"`,
    );
  if (every !== undefined) {
    if (timezone !== undefined)
      throw new ScheduleKeyError('timezone', `belongs to ${named('cron')}; ${named('every')} counts in UTC`);
    return { kind: 'every', seconds: parseSeconds('every', every) };
  }
  const expression = (cron ?? '').trim();
  if (expression === '') throw new ScheduleKeyError('cron', 'must be an expression, as "0 3 * * *"');
  if (/^@every\b/.test(expression)) throw new ScheduleKeyError('cron', `give ${named('every')} instead`);
  if (/^(CRON_)?TZ=/.test(expression))
    throw new ScheduleKeyError('cron', `give ${named('timezone')} instead`);
  if (expression.includes('#'))
    throw new ScheduleKeyError('cron', 'can have no comment; give a note instead');
  return { kind: 'cron', expression, timezone: parseTimezone(timezone ?? 'UTC') };
}

function parseInterval(
  { interval }: ScheduleInput,
  timing: Timing,
  templates: string | undefined,
  named: (word: ScheduleKey) => string,
): number | undefined {
  if (!PLACEHOLDER.test(templates ?? '')) {
    if (interval === undefined || interval === 'none') return undefined;
    throw new ScheduleKeyError(
      'interval',
      'the url of the source has neither {from} nor {to}, so each run requests everything',
    );
  }
  if (interval === 'none')
    throw new ScheduleKeyError(
      'interval',
      'the url of the source has {from} or {to}, so it needs an interval',
    );
  if (interval !== undefined) return parseSeconds('interval', interval);
  if (timing.kind === 'every') return timing.seconds;
  throw new ScheduleKeyError(
    undefined,
    `the url of the source has {from} or {to}: give ${named('interval')}, the length of the interval of each run, as 1d for a daily run`,
  );
}

function parseCatchUp({ catchUp }: ScheduleInput): number {
  const seconds = catchUp === undefined ? CATCH_UP_DEFAULT : parseSeconds('catchUp', catchUp);
  if (seconds >= MIN_CATCH_UP) return seconds;
  throw new ScheduleKeyError('catchUp', `must be at least ${formatDuration(MIN_CATCH_UP)}`);
}

function parseSeconds(word: ScheduleKey, text: string): number {
  const seconds = parseDuration(text);
  if (seconds !== undefined) return seconds;
  throw new ScheduleKeyError(word, `must be a duration of whole seconds, as ${DURATION_EXAMPLES}`);
}

function parseTimezone(name: string): string {
  if (isTimezone(name)) return name;
  throw new ScheduleKeyError('timezone', "must be a time zone's name, as Europe/Berlin");
}

function isTimezone(name: string): boolean {
  // Intl accepts offsets, as +02:00; Temporal does not.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch (cause) {
    if (cause instanceof RangeError) return false;
    throw cause;
  }
}
