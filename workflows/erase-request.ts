import {
  MAX_ERASURE_REASON_LENGTH,
  MAX_PERSONS,
  MAX_REQUESTED_BY_LENGTH,
  PERSON_HASH,
  type EraseRequest,
} from '../model/erasure.ts';
import { invalidRequest, requireObject, requireSource } from './request.ts';

const EXAMPLE =
  '{"source": "pearson", "persons": ["<64 hexadecimal digits>"], "requestedBy": "the school", "reason": "ticket 12"}';

const KEYS = ['source', 'persons', 'requestedBy', 'reason'];

/**
 * Validates the request of an erasure. No value is quoted: a person's key could be given in place of its hash.
 * @throws {ApplicationFailure} REQUEST_INVALID, with the fault and an example.
 */
export function requireEraseRequest(request: unknown): asserts request is EraseRequest {
  const { source, persons, requestedBy, reason } = requireObject(request, KEYS, EXAMPLE);
  requireSource(source, EXAMPLE);
  requireText('requestedBy', requestedBy, MAX_REQUESTED_BY_LENGTH);
  requireText('reason', reason, MAX_ERASURE_REASON_LENGTH);
  if (!Array.isArray(persons) || persons.length === 0 || persons.length > MAX_PERSONS)
    throw invalidRequest(`must have persons, a list of 1 to ${MAX_PERSONS} keyed hashes`, EXAMPLE);
  const wrong = persons.findIndex((person) => typeof person !== 'string' || !PERSON_HASH.test(person));
  if (wrong >= 0)
    throw invalidRequest(
      `has persons[${wrong}], which is no keyed hash of 64 hexadecimal digits; never give a person’s key itself`,
      EXAMPLE,
    );
}

function requireText(name: string, value: unknown, maxLength: number): void {
  if (typeof value === 'string' && value.trim() !== '' && value.length <= maxLength) return;
  throw invalidRequest(`must have ${name}, a text of 1 to ${maxLength} characters`, EXAMPLE);
}
