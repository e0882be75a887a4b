import { PipelineError } from '../model/errors.ts';
import type { FeedAttempt } from './attempt.ts';
import { Calendar } from './calendar.ts';
import { CATALOGUE, type Exam } from './catalogue.ts';
import { hex32, Random } from './random.ts';
import { countsOf, Sitting } from './sitting.ts';

export type * from './attempt.ts';

/** Which attempts to generate. */
export interface AttemptsOptions {
  /** An integer from 0 to 2^53 - 1. The same seed gives the same attempts. */
  readonly seed: number;
  /** How many of the sequence, duplicates included; may be Infinity. */
  readonly count: number;
  /** Where in the seed's endless sequence to begin; 0 unless given. */
  readonly firstIndex?: number;
  /** The first day on which attempts start, in milliseconds since the epoch; {@link DEFAULT_SINCE_MS} unless given. */
  readonly sinceMs?: number;
  /** Of these, only the attempts that started at this millisecond since the epoch or later. */
  readonly fromMs?: number;
  /** Of these, only the attempts that started before this millisecond since the epoch. */
  readonly toMs?: number;
}

/** 2017-11-21. */
export const DEFAULT_SINCE_MS = Date.UTC(2017, 10, 21);

/** Raise it when a seed's attempts change: what is kept of the old ones is then known to be stale. */
export const GENERATOR_VERSION = 1;

/** An attempt of a deck: its number there and its exam. Two cards with one number are one attempt. */
interface Card {
  readonly number: number;
  readonly exam: Exam;
}

/** The attempts of a deck: each exam as many times as it is popular. */
const ORIGINALS: readonly Card[] = CATALOGUE.flatMap((exam) => Array<Exam>(exam.popularity).fill(exam)).map(
  (exam, number) => ({ number, exam }),
);

/** Of a deck's attempts, these are delivered again, and the first 18 of them twice. */
const DELIVERED_AGAIN = ORIGINALS.filter(({ number }) => number % 163 === 0);
const CARDS = [...ORIGINALS, ...DELIVERED_AGAIN, ...DELIVERED_AGAIN.slice(0, 18)];

/** How many deliveries make one deck. */
export const DECK = CARDS.length;

/** The key of a deck's own stream: no card has this number. */
const SHUFFLE = 2 ** 32 - 1;

/** A time with as many decimals as a double prints: a third of the clocks round to microseconds. */
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
 * Attempts as a real customer delivers them, invented, lazily and in constant memory. The seed and an
 * attempt's index alone decide it, so any part of the sequence can be had without the part before.
 *
 * The sequence is dealt from decks of {@link DECK} cards. Each deck holds every exam as often as it is
 * popular, the rare oddities included, and 38 redeliveries, in an order of its own. So the proportions hold
 * in any few thousand attempts, and a redelivery lies at most one deck away from its original.
 *
 * @throws PipelineError SETTINGS_INVALID when a number is out of its bounds.
 */
export function* attempts(options: AttemptsOptions): Generator<FeedAttempt, void, undefined> {
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
