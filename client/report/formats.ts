import type { Json } from '@duckdb/node-api';
import { formatNumber } from '../../model/figures.ts';
import { html, type Markup } from './html.ts';

/** How a value is formatted: a share of 0.5 as 50.0%, a time in the report's time zone. */
export type ValueFormat = 'count' | 'share' | 'decimal' | 'duration' | 'time' | 'text' | 'code';

const UNITS = [
  { seconds: 86_400, name: 'd' },
  { seconds: 3600, name: 'h' },
  { seconds: 60, name: 'min' },
] as const;

/** Formats values for people, with times in one time zone. */
export class Formats {
  readonly timeZone: string;
  readonly #time: Intl.DateTimeFormat;

  /** @param timeZone An IANA name, as Europe/Berlin. */
  constructor(timeZone: string) {
    this.timeZone = timeZone;
    // The Swedish format is close to ISO 8601: 2026-01-31 12:00.
    this.#time = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  }

  /** Formats a whole number, as 3,280. */
  count(value: number): string {
    return formatNumber(value);
  }

  /** Formats a share of 1 as a percentage. */
  share(value: number): string {
    return `${(value * 100).toFixed(1)}%`;
  }

  /** Formats a number with two decimals. */
  decimal(value: number): string {
    return value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  }

  /** Formats seconds in their two largest units, as 1 h 30 min. */
  duration(seconds: number): string {
    if (seconds < 0) return `−${this.duration(-seconds)}`;
    if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds)} s`;
    const whole = Math.floor(seconds);
    const unit = UNITS.find((one) => whole >= one.seconds) ?? UNITS[2];
    const next = UNITS[UNITS.indexOf(unit) + 1] ?? { seconds: 1, name: 's' };
    const rest = Math.floor((whole % unit.seconds) / next.seconds);
    return `${formatNumber(Math.floor(whole / unit.seconds))} ${unit.name}${rest === 0 ? '' : ` ${rest} ${next.name}`}`;
  }

  /** Formats an ISO 8601 time in the time zone. */
  time(iso: string): string {
    return this.#time.format(new Date(iso));
  }

  /** Formats the date of an ISO 8601 time in the time zone. */
  day(iso: string): string {
    return this.time(iso).slice(0, 10);
  }

  /** Formats the content of a table cell. */
  cell(value: Json | undefined, format: ValueFormat): Markup {
    if (value === null || value === undefined) return html`<span class="none">–</span>`;
    if (format === 'time' && typeof value === 'string') {
      return html`<time datetime="${value}">${this.time(value)}</time>`;
    }
    if (format === 'code' && typeof value === 'string') return html`<code>${value}</code>`;
    return html`${typeof value === 'number' ? this.#number(value, format) : plainText(value)}`;
  }

  #number(value: number, format: ValueFormat): string {
    if (format === 'share') return this.share(value);
    if (format === 'decimal') return this.decimal(value);
    return format === 'duration' ? this.duration(value) : this.count(value);
  }
}

/** Returns whether columns of a format are right-aligned. */
export function isNumeric(format: ValueFormat): boolean {
  return format === 'count' || format === 'share' || format === 'decimal' || format === 'duration';
}

function plainText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
