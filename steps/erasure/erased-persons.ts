import { PipelineError } from '../../model/errors.ts';
import type { ErasureSettings } from '../../model/settings-erasure.ts';
import { userOf } from '../../records/user.ts';
import { PersonKey } from './person-key.ts';
import type { SuppressedPersons } from './suppression-list.ts';

/** Recognises the messages of erased persons: by their key, and by the user in their value. */
export class ErasedPersons {
  readonly #key: PersonKey | undefined;
  readonly #bySource: ReadonlyMap<string, SuppressedPersons>;

  /**
   * @param settings Read only if a source has erased persons.
   * @throws {PipelineError} ERASURE_KEY_MISSING; ERASURE_KEY_CHANGED when an erasure was made by another key
   */
  constructor(settings: ErasureSettings, bySource: ReadonlyMap<string, SuppressedPersons>) {
    this.#bySource = bySource;
    if (bySource.size === 0) return;
    const key = PersonKey.read(settings);
    this.#key = key;
    for (const [source, { keyIds }] of bySource) requireKey(key, source, keyIds);
  }

  /** Returns whether a source has erased persons. */
  concerns(source: string): boolean {
    return this.#bySource.has(source);
  }

  /** Returns whether a person is erased from a source. */
  hasPerson(source: string, person: Uint8Array | string): boolean {
    const erased = this.#bySource.get(source);
    return erased?.persons.has(this.#key?.hash(source, person) ?? '') === true;
  }

  /** Returns whether a message of a source is of an erased person. */
  hasMessage(source: string, key: Buffer | null, value: Buffer | null): boolean {
    if (!this.#bySource.has(source)) return false;
    if (key !== null && this.hasPerson(source, key)) return true;
    const user = value === null ? null : userOf(value);
    return user !== null && key?.equals(Buffer.from(user)) !== true && this.hasPerson(source, user);
  }
}

/**
 * Makes sure that a key is the one by which the persons of a source were erased before.
 * @throws {PipelineError} ERASURE_KEY_CHANGED
 */
export function requireKey(key: PersonKey, source: string, keyIds: ReadonlySet<string>): void {
  if ([...keyIds].every((id) => id === key.id)) return;
  throw new PipelineError(
    'ERASURE_KEY_CHANGED',
    `persons of source ${source} were erased by another secret key than the one in the environment`,
  );
}
