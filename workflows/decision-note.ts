import { ApplicationFailure } from '@temporalio/workflow';
import { MAX_BY_LENGTH, MAX_REASON_LENGTH, type DecisionNote } from '../model/decisions.ts';

const LIMITS: Readonly<Record<string, number>> = { by: MAX_BY_LENGTH, reason: MAX_REASON_LENGTH };

/**
 * Validates what came with an update, since the Temporal UI's form accepts anything.
 * @throws {ApplicationFailure} DECISION_INVALID, which never repeats the value.
 */
export function requireNote(note: unknown): asserts note is DecisionNote | null | undefined {
  if (note === undefined || note === null) return;
  if (typeof note !== 'object' || Array.isArray(note)) throw invalid('must be a JSON object');
  for (const [key, value] of Object.entries(note)) {
    const limit = Object.hasOwn(LIMITS, key) ? LIMITS[key] : undefined;
    if (limit === undefined) throw invalid('has a key that is neither by nor reason');
    if (value === null || value === undefined) continue;
    if (typeof value !== 'string') throw invalid(`has a ${key} that is no text`);
    if (value.length > limit)
      throw invalid(`has a ${key} of ${value.length} characters; at most ${limit} are allowed`);
  }
}

/** Returns a part of a note; null where it is missing or blank. */
export function textOf(text: string | null | undefined): string | null {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}

function invalid(what: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `what comes with the update ${what}. It may be empty, or as {"by": "ada@example.org", "reason": "the customer was told"}`,
    'DECISION_INVALID',
  );
}
