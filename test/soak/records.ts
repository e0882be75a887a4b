import type { FeedAttempt } from '../../simulator/attempt.ts';
import { generateAttempts, DEFAULT_SINCE_MS } from '../../simulator/generator.ts';
import { Random } from '../../simulator/random.ts';
import type { SentRecord } from './ledger.ts';
import { FEED_COUNT } from './servers.ts';

/** Key of the random stream that spoils records, distinct from those of the plan. */
const SPOILT = 4;
const MALFORMED_SHARE = 0.01;
const WINDOW_MS = 2 * 3_600_000;

/** Interval that a run of a feed requests: the attempts of two hours. Windows do not overlap. */
export interface Window {
  readonly from: string;
  readonly to: string;
}

/** Returns the window of this number, from 0. */
export function windowOf(number: number): Window {
  const at = (count: number): string =>
    new Date(DEFAULT_SINCE_MS + count * WINDOW_MS).toISOString().replace('.000Z', 'Z');
  return { from: at(number), to: at(number + 1) };
}

/** Returns the feed's content for a window. */
export function recordsOfWindow(seed: number, { from, to }: Window): SentRecord[] {
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
  return [...generateAttempts({ seed, count: FEED_COUNT, fromMs, toMs })].map((attempt) => recordOf(attempt));
}

/** Generates records without end, all distinct; one in a hundred is malformed. */
export class RecordStream {
  readonly #seed: number;
  readonly #random: Random;
  readonly #lines: boolean;
  #next = 0;

  /** @param lines Whether each must be a line of JSON, so that only its fields can be malformed. */
  constructor(seed: number, { lines }: { readonly lines: boolean }) {
    this.#seed = seed;
    this.#random = new Random(seed, SPOILT);
    this.#lines = lines;
  }

  take(count: number): SentRecord[] {
    const taken = [...generateAttempts({ seed: this.#seed, count, firstIndex: this.#next })];
    this.#next += count;
    return taken.map((attempt) =>
      this.#random.chance(MALFORMED_SHARE) ? this.#spoilt(attempt) : recordOf(attempt),
    );
  }

  #spoilt(attempt: FeedAttempt): SentRecord {
    const text = JSON.stringify(attempt);
    const { keen_id: id, ...withoutId } = attempt;
    const inFields = [
      JSON.stringify({ ...attempt, max_attempts: '1.7' }),
      JSON.stringify({ ...attempt, started_at: `before ${id}` }),
      JSON.stringify({ ...withoutId, exam_name: id }),
    ];
    const others = [text.slice(0, text.length - 1 - this.#random.below(100)), `\u0000${text}`];
    const all = this.#lines ? inFields : [...inFields, ...others];
    return { bytes: Buffer.from(all[this.#random.below(all.length)] ?? ''), malformed: true };
  }
}

function recordOf(attempt: FeedAttempt): SentRecord {
  return { bytes: Buffer.from(JSON.stringify(attempt)), malformed: false };
}
