import { createHmac } from 'node:crypto';
import { PipelineError } from '../../model/errors.ts';
import type { ErasureSettings } from '../../model/settings-erasure.ts';

const MIN_KEY_BYTES = 32;

/** The secret key by which persons are hashed (HMAC-SHA-256), so that a hash tells nothing without it. */
export class PersonKey {
  readonly #key: Buffer;

  private constructor(key: Buffer) {
    this.#key = key;
  }

  /**
   * Reads the key from the environment variable of the settings.
   * @throws {PipelineError} ERASURE_KEY_MISSING when there is none, or it is too short.
   */
  static read({ keyVariable }: ErasureSettings): PersonKey {
    if (keyVariable === undefined)
      throw new PipelineError(
        'ERASURE_KEY_MISSING',
        'erasure.keyVariable of pipeline.yaml is missing: it names the environment variable with the secret key by which persons are hashed',
      );
    const key = Buffer.from(process.env[keyVariable] ?? '', 'utf8');
    if (key.length >= MIN_KEY_BYTES) return new PersonKey(key);
    const what = key.length === 0 ? 'is not set' : `has ${key.length} bytes`;
    throw new PipelineError(
      'ERASURE_KEY_MISSING',
      `the environment variable ${keyVariable} ${what}; the secret key by which persons are hashed must have at least ${MIN_KEY_BYTES} bytes`,
    );
  }

  /** Identifies the key without telling anything of it: 16 hexadecimal digits. */
  get id(): string {
    // No source has an empty name, so this is no hash of a person.
    return this.hash('', Buffer.from('key')).slice(0, 16);
  }

  /**
   * Returns the keyed hash of a person: 64 hexadecimal digits. Hashes of one person in two sources differ.
   * @param person The key of the person's messages, in UTF-8.
   */
  hash(source: string, person: Uint8Array | string): string {
    return createHmac('sha256', this.#key).update(`${source}\0`).update(person).digest('hex');
  }
}
