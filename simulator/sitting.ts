import type { FeedCounts, FeedOption, FeedQuestion, UserResult } from './attempt.ts';
import type { Exam, CatalogueQuestion } from './catalogue.ts';
import type { Random } from './random.ts';

/**
 * Seconds that users take, as quantiles from 0% to 100% in equal steps, interpolated linearly. (Logarithms would take
 * less code, but may differ in the last digit between versions of Node.)
 */
const OPENING = [1, 2.5, 4, 5.5, 7.5, 10, 13, 19, 33, 90, 600];
const READING = [0.8, 1.8, 3, 4.4, 6, 8, 10.8, 15, 22, 38, 120];
const CLICKING = [0.3, 0.5, 0.8, 1.1, 1.4, 1.8, 2.6, 4, 6.5, 12, 50];
const CLOSING = [0.8, 1, 1.2, 1.4, 1.7, 2.1, 2.6, 3.4, 5, 9, 45];

/** A factor per user of all the above. A few users pause and come back. */
const PACE = [0.12, 0.2, 0.28, 0.35, 0.42, 0.5, 0.6, 0.75, 1.05, 1.8, 4.5];
const GOES_AWAY = { chance: 0.02, seconds: 9000 };

/** Width of the users' skills around the exam's mean score. */
const SKILL_WIDTH = 0.5;
/** One right option is easier to find than several. */
const EASE_OF_ONE = 0.085;
const EASE_OF_SEVERAL = -0.13;
/** By the number of right options: the share of wrong answers that chose no wrong option. */
const MISSED_SOME = [0, 0, 0.36, 0.66, 0.9];
/** Some users leave before the last question. */
const LEAVES = 0.059;
/** Options that a user checked and then unchecked: these keep their time. */
const TOUCHED = 0.033;
/** Probability of each further option to be checked in a wrong answer to a question with several right options. */
const ALSO_CHECKED = 0.42;

/** One user at one exam: answers its questions one after the other while time passes. */
export class Sitting {
  readonly #random: Random;
  readonly #exam: Exam;
  readonly #pace: number;
  /** Milliseconds since the epoch. */
  #now: number;

  /** @param startedMs Start time in milliseconds since the epoch. */
  constructor(random: Random, exam: Exam, startedMs: number) {
    this.#random = random;
    this.#exam = exam;
    this.#pace = drawn(random, PACE);
    this.#now = startedMs;
    if (random.chance(GOES_AWAY.chance)) this.#now += 1000 * random.below(GOES_AWAY.seconds);
  }

  /** Answers the exam's questions, in the order of the feed. */
  answers(): FeedQuestion[] {
    const random = this.#random;
    const { length, questions, score } = this.#exam;
    const asked = random.shuffle(questions.slice()).slice(0, length);
    const skill = score + SKILL_WIDTH * (random.fraction() - 0.5);
    const answered = random.chance(LEAVES) ? random.below(length) : length;
    this.#pass(OPENING);
    return asked.map((question, position) => {
      if (position > 0) this.#pass(READING);
      return this.#answer(question, position < answered ? this.#choice(question, skill) : 0);
    });
  }

  /** Time at which the platform recorded the attempt, in milliseconds since the epoch. */
  closed(): number {
    this.#pass(CLOSING);
    return this.#now;
  }

  #pass(seconds: readonly number[]): void {
    this.#now += Math.round(1000 * this.#pace * drawn(this.#random, seconds));
  }

  /** Returns the options that the user checks as a bit set: the first options of a question are the right ones. */
  #choice({ options, correct }: CatalogueQuestion, skill: number): number {
    const random = this.#random;
    const right = (1 << correct) - 1;
    const wrong = options.length - correct;
    if (random.chance(skill + (correct === 1 ? EASE_OF_ONE : EASE_OF_SEVERAL))) return right;
    const missed = wrong === 0 ? 1 : (MISSED_SOME[correct] ?? 0.9);
    if (correct > 1 && random.chance(missed)) {
      // Any subset except none and all.
      return 1 + random.below(right - 1);
    }
    if (wrong === 0) return right;
    let checked = 1 << (correct + random.below(wrong));
    if (correct === 1) return checked;
    for (let at = 0; at < options.length; at += 1) if (random.chance(ALSO_CHECKED)) checked |= 1 << at;
    return checked;
  }

  #answer(question: CatalogueQuestion, checked: number): FeedQuestion {
    const options = question.options.map((id, at) =>
      this.#option(id, (checked & (1 << at)) !== 0, at < question.correct),
    );
    this.#random.shuffle(options);
    if (this.#exam.trait === 'sandbox') return { options, id: question.id };
    const result = resultOf(checked, question.correct);
    return {
      user_incomplete: result === 'missed_some',
      user_correct: result === 'correct',
      options,
      user_submitted: result !== 'unanswered',
      id: question.id,
      user_result: result,
    };
  }

  /** Makes an option of the feed. The order of its keys is the real one, which depends on the time's presence. */
  #option(id: string, checked: boolean, right: boolean): FeedOption {
    const correct = right ? true : this.#exam.trait === 'explicit' ? false : undefined;
    if (!checked && !this.#random.chance(TOUCHED)) {
      return correct === undefined ? { checked, id } : { checked, correct, id };
    }
    this.#pass(CLICKING);
    const at = new Date(this.#now).toISOString();
    if (!checked || this.#exam.trait === 'sandbox') {
      return correct === undefined ? { checked, at, id } : { checked, at, id, correct };
    }
    return correct === undefined
      ? { checked, at, id, submitted: 1 }
      : { checked, at, id, submitted: 1, correct };
  }
}

/** Draws a number from the distribution with these quantiles. */
function drawn(random: Random, quantiles: readonly number[]): number {
  const at = random.fraction() * (quantiles.length - 1);
  const below = Math.floor(at);
  const low = quantiles[below] ?? 0;
  const high = quantiles[below + 1] ?? low;
  return low + (at - below) * (high - low);
}

/** Marks an answer by the platform's rule. */
function resultOf(checked: number, correct: number): UserResult {
  const right = (1 << correct) - 1;
  if (checked === 0) return 'unanswered';
  if ((checked & ~right) !== 0) return 'incorrect';
  return checked === right ? 'correct' : 'missed_some';
}

/** Counts an attempt's questions by result. */
export function countsOf(questions: readonly FeedQuestion[]): FeedCounts {
  const tally = { correct: 0, incorrect: 0, missed_some: 0, unanswered: 0 };
  for (const { user_result: result } of questions) if (result !== undefined) tally[result] += 1;
  const total = questions.length;
  return {
    incomplete: tally.missed_some,
    submitted: total - tally.unanswered,
    incorrect: tally.incorrect,
    all_correct: tally.correct === total,
    correct: tally.correct,
    total,
    unanswered: tally.unanswered,
  };
}
