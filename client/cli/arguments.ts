import { InvalidArgumentError } from 'commander';
import { DURATION_EXAMPLES, parseDuration } from '../../model/duration.ts';
import { PipelineError } from '../../model/errors.ts';
import type { SourceSettings } from '../../model/settings.ts';
import { templatesOf } from '../../model/settings-source.ts';
import { formatTime } from './output.ts';

const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/;
/** The accepted forms of a time, for messages. */
export const TIME_EXAMPLES = 'a day such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z';

/** Returns a parser of whole numbers from `min` to `max`, both included. */
export function wholeNumberParser(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** Parses a day (midnight UTC) or a time with its UTC offset. */
export function parseTimeArgument(text: string): Date {
  const time = parseTime(text);
  if (time !== undefined) return time;
  throw new InvalidArgumentError(`It must be ${TIME_EXAMPLES}.`);
}

/** Parses a day (midnight UTC) or a time with its UTC offset, which may have up to three decimal places. */
export function parseMilliseconds(text: string): number | undefined {
  return parseTime(text.replace(/(:\d\d)\.\d{1,3}(?=\D)/, '$1')) === undefined ? undefined : Date.parse(text);
}

/** Parses a day, a time to the millisecond, or a duration before now. */
export function parseSinceArgument(text: string): Date {
  const seconds = parseDuration(text);
  const timeMs = seconds === undefined ? parseMilliseconds(text) : Date.now() - seconds * 1000;
  const time = new Date(timeMs ?? NaN);
  if (!Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError(
    `It must be ${TIME_EXAMPLES}, or how long ago, such as ${DURATION_EXAMPLES}.`,
  );
}

/** Parses the name of a time zone and returns it in its canonical spelling. */
export function parseTimeZoneArgument(text: string): string {
  try {
    // UTC offsets such as +02:00 are rejected: they do not follow daylight saving time.
    if (/^[A-Za-z]/.test(text))
      return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
  }
  throw new InvalidArgumentError('It must be a time zone’s name, such as Europe/Berlin.');
}

function parseTime(text: string): Date | undefined {
  const time = new Date(text);
  // V8 accepts days such as 2026-02-30 and moves them to the next month.
  const day = new Date(text.slice(0, 10));
  const exists = !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text.slice(0, 10));
  return TIME.test(text) && exists && !Number.isNaN(time.getTime()) ? time : undefined;
}

/**
 * Checks that --from and --to are given if, and only if, the source's url or request contains {from} and {to}.
 * @throws {PipelineError} USAGE_INVALID, also when --from is not before --to
 */
export function requireInterval(
  source: string,
  settings: SourceSettings,
  options: { readonly from?: Date; readonly to?: Date },
): void {
  for (const bound of ['from', 'to'] as const) {
    const isRequired = templatesOf(settings)?.includes(`{${bound}}`) === true;
    const isGiven = options[bound] !== undefined;
    if (isRequired === isGiven) continue;
    const fault = isRequired ? `has {${bound}}: give --${bound}` : `has no {${bound}}: leave out --${bound}`;
    const isInUrl = settings.request === undefined || settings.url?.includes(`{${bound}}`) === true;
    throw new PipelineError(
      'USAGE_INVALID',
      `the ${isInUrl ? 'url' : 'request'} of source ${source} ${fault}`,
    );
  }
  if (options.from !== undefined && options.to !== undefined && options.from >= options.to)
    throw new PipelineError(
      'USAGE_INVALID',
      `--from ${formatTime(options.from)} must be before --to ${formatTime(options.to)}`,
    );
}

/** Returns the interval of a command's options, in the form of an ingest request. */
export function intervalOf({ from, to }: { readonly from?: Date; readonly to?: Date }): {
  readonly from?: string;
  readonly to?: string;
} {
  return {
    ...(from === undefined ? {} : { from: formatTime(from) }),
    ...(to === undefined ? {} : { to: formatTime(to) }),
  };
}
