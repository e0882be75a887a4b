import type { FeedAttempt, FeedQuestion } from '../../simulator/generator.ts';

/** Counts equal values. */
export function tally(values: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** Returns the questions of all attempts. */
export function questionsOf(attempts: readonly FeedAttempt[]): FeedQuestion[] {
  return attempts.flatMap(({ sequences }) => sequences.questions);
}

/** Returns the options of all questions of all attempts. */
export function optionsOf(attempts: readonly FeedAttempt[]): FeedQuestion['options'][number][] {
  return questionsOf(attempts).flatMap(({ options }) => options);
}
