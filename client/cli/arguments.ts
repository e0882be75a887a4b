import { InvalidArgumentError } from 'commander';
import { DURATION_EXAMPLES, parseDuration } from '../../model/duration.ts';
import { PipelineError } from '../../model/errors.ts';
import type { SourceSettings } from '../../model/settings.ts';
import { formatTime } from './output.ts';

const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/;
const TIME_EXAMPLES = 'a day, as 2026-01-31, or a time, as 2026-01-31T12:00:00Z';

/** Makes a reader of whole numbers between two bounds, both included. */
export function wholeNumberParser(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** Reads a day or a time, in UTC unless it says otherwise. */
export function parseTimeArgument(text: string): Date {
  const time = parseTime(text);
  if (time !== undefined) return time;
  throw new InvalidArgumentError(`It must be ${TIME_EXAMPLES}.`);
}

/** Reads a time, or how long ago it was. */
export function parseSinceArgument(text: string): Date {
  const seconds = parseDuration(text);
  const time = seconds === undefined ? parseTime(text) : new Date(Date.now() - seconds * 1000);
  if (time !== undefined && !Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError(`It must be ${TIME_EXAMPLES}, or how long ago, as ${DURATION_EXAMPLES}.`);
}

/** Reads the name of a time zone, and gives it in its usual letters. */
export function parseTimeZoneArgument(text: string): string {
  try {
    // An offset, as +02:00, is none: it is not known when it holds.
    if (/^[A-Za-z]/.test(text))
      return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
  }
  throw new InvalidArgumentError('It must be a time zone’s name, as Europe/Berlin.');
}

function parseTime(text: string): Date | undefined {
  const time = new Date(text);
  // Some of these engines take for the first of March.
  const day = new Date(text.slice(0, 10));
  const exists = !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text.slice(0, 10));
  return TIME.test(text) && exists && !Number.isNaN(time.getTime()) ? time : undefined;
}

/**
 * Makes sure that a source is asked for an interval if, and only if, its url has one.
 * @throws {PipelineError} USAGE_INVALID
 */
export function requireInterval(
  source: string,
  { url }: SourceSettings,
  options: { readonly from?: Date; readonly to?: Date },
): void {
  for (const bound of ['from', 'to'] as const) {
    const wanted = url?.includes(`{${bound}}`) === true;
    const given = options[bound] !== undefined;
    if (wanted === given) continue;
    const what = wanted ? `has {${bound}}: give --${bound}` : `has no {${bound}}: leave out --${bound}`;
    throw new PipelineError('USAGE_INVALID', `the url of source ${source} ${what}`);
  }
  if (options.from !== undefined && options.to !== undefined && options.from >= options.to)
    throw new PipelineError(
      'USAGE_INVALID',
      `--from ${formatTime(options.from)} must be before --to ${formatTime(options.to)}`,
    );
}

/** The interval that a command's words ask for, as a request has it. */
export function intervalOf({ from, to }: { readonly from?: Date; readonly to?: Date }): {
  readonly from?: string;
  readonly to?: string;
} {
  return {
    ...(from === undefined ? {} : { from: formatTime(from) }),
    ...(to === undefined ? {} : { to: formatTime(to) }),
  };
}
