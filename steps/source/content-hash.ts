import { createHash } from 'node:crypto';

/**
 * The SHA-256 of a content: of its bytes; or of its records, of the length and the bytes of each in order, where what is
 * beside them, as the time of the answer, may change.
 */
export class ContentHash {
  readonly #of: 'bytes' | 'records';
  readonly #hash = createHash('sha256');
  readonly #length = Buffer.alloc(4);

  constructor(of: 'bytes' | 'records') {
    this.#of = of;
  }

  /** Adds the next decoded bytes, and the records that end in them. */
  add(bytes: Buffer, records: readonly Buffer[]): void {
    if (this.#of === 'bytes') this.#hash.update(bytes);
    else for (const record of records) this.#addRecord(record);
  }

  /** Returns the hash in hexadecimal digits. Nothing can be added afterwards. */
  digest(): string {
    return this.#hash.digest('hex');
  }

  #addRecord(record: Buffer): void {
    this.#length.writeUInt32BE(record.length);
    this.#hash.update(this.#length).update(record);
  }
}
