import { PipelineError } from '../model/errors.ts';
import type { FeedAttempt } from './attempt.ts';
import { Calendar } from './calendar.ts';
import { CATALOGUE, type Exam } from './catalogue.ts';
import { hex32, Random } from './random.ts';
import { countsOf, Sitting } from './sitting.ts';

export type * from './attempt.ts';

/** Options of the generator. */
export interface AttemptsOptions {
  /** An integer from 0 to 2^53 - 1. The same seed gives the same attempts. */
  readonly seed: number;
  /** Number of attempts, duplicates included; may be Infinity. */
  readonly count: number;
  /** Index in the seed's endless sequence to begin at; 0 by default. */
  readonly firstIndex?: number;
  /** First day on which attempts start, in milliseconds since the epoch; {@link DEFAULT_SINCE_MS} by default. */
  readonly sinceMs?: number;
  /** Only attempts that started at this millisecond since the epoch or later. */
  readonly fromMs?: number;
  /** Only attempts that started before this millisecond since the epoch. */
  readonly toMs?: number;
}

/** 2017-11-21. */
export const DEFAULT_SINCE_MS = Date.UTC(2017, 10, 21);

/** Increase it when a seed's attempts change, so that stored copies of the old ones are invalidated. */
export const GENERATOR_VERSION = 1;

/** A card of a deck: the number of an attempt, and its exam. Two cards with the same number are the same attempt. */
interface Card {
  readonly number: number;
  readonly exam: Exam;
}

/** Cards of a deck: each exam as often as it is popular. */
const ORIGINALS: readonly Card[] = CATALOGUE.flatMap((exam) => Array<Exam>(exam.popularity).fill(exam)).map(
  (exam, number) => ({ number, exam }),
);

/** Number of a deck's attempts that are delivered again; the first 18 of them twice. */
const DELIVERED_AGAIN = ORIGINALS.filter(({ number }) => number % 163 === 0);
const CARDS = [...ORIGINALS, ...DELIVERED_AGAIN, ...DELIVERED_AGAIN.slice(0, 18)];

/** Deliveries per deck. */
export const DECK = CARDS.length;

/** Key of a deck's own random stream: no card has this number. */
const SHUFFLE = 2 ** 32 - 1;

/** Formats a time as a double prints; a third of the clocks round to microseconds. */
function keenTimestamp(random: Random, seconds: number): string {
  const fraction = random.chance(1 / 3)
    ? (1 + random.below(999_999)) / 1e6
    : (1 + random.below(2 ** 22 - 1)) / 2 ** 22;
  return String(seconds + fraction);
}

function attemptOf(random: Random, exam: Exam, startedMs: number): FeedAttempt {
  const sitting = new Sitting(random, exam, startedMs);
  const questions = sitting.answers();
  const seconds = Math.floor(sitting.closed() / 1000);
  const keenTime = keenTimestamp(random, seconds);
  const sequence = { attempt: 1, id: exam.sequenceId };
  return {
    keen_timestamp: keenTime,
    max_attempts: '1.0',
    started_at: new Date(startedMs).toISOString(),
    base_exam_id: exam.baseExamId,
    user_exam_id: random.uuid('4'),
    sequences:
      exam.trait === 'sandbox'
        ? { ...sequence, questions }
        : { questions, ...sequence, counts: countsOf(questions) },
    keen_created_at: keenTime,
    certification: exam.trait === 'uncertified' || exam.trait === 'explicit' ? null : 'false',
    keen_id: `${hex32(seconds)}${hex32(random.word()).slice(2)}0001${hex32(random.word()).slice(2)}`,
    exam_name: exam.name,
  };
}

/**
 * Generates invented attempts like a real customer's, lazily and in constant memory. Each attempt is determined by
 * the seed and its index alone, so generation can begin anywhere in the sequence.
 *
 * The sequence is dealt from decks of {@link DECK} cards. Each deck has every exam as often as it is popular, the
 * rare special cases, and 38 redeliveries, shuffled. So any few thousand attempts have the same proportions, and a
 * redelivery is at most one deck away from its original.
 *
 * @throws PipelineError SETTINGS_INVALID when a number is out of its bounds.
 */
export function* generateAttempts(options: AttemptsOptions): Generator<FeedAttempt, void, undefined> {
  const {
    seed,
    count,
    firstIndex = 0,
    sinceMs = DEFAULT_SINCE_MS,
    fromMs = -Infinity,
    toMs = Infinity,
  } = options;
  mustBeNatural('seed', seed);
  mustBeNatural('firstIndex', firstIndex);
  if (count !== Infinity) mustBeNatural('count', count);
  const calendar = new Calendar(sinceMs);
  let left = count;
  let skip = firstIndex % DECK;
  for (let deck = Math.floor(firstIndex / DECK); left > 0; deck += 1) {
    const order = new Random(seed, deck, SHUFFLE).shuffle(CARDS.slice());
    for (const { number, exam } of order.slice(skip, skip + left)) {
      const random = new Random(seed, deck, number);
      const startedMs = calendar.draw(random);
      left -= 1;
      if (startedMs >= fromMs && startedMs < toMs) yield attemptOf(random, exam, startedMs);
    }
    skip = 0;
  }
}

function mustBeNatural(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new PipelineError('SETTINGS_INVALID', `${name}: ${value} must be an integer from 0 to 2^53 - 1.`);
}
