import { messageBytes, type OutgoingMessage } from '../../adapters/kafka/outgoing-message.ts';
import { CHUNK_HEADER, SOURCE_HEADER, type Chunk } from '../../model/references.ts';
import type { ErasedPersons } from '../erasure/erased-persons.ts';
import { userOf } from '../../records/user.ts';

/** The largest sizes of a record and of a message, in bytes. */
export interface MessageLimits {
  readonly recordBytes: number;
  readonly maxBytes: number;
}

/** Builds Kafka messages from a chunk's records, and tells which are too large. */
export class MessageBuilder {
  readonly #headers: Readonly<Record<string, string>>;
  readonly #source: string;
  readonly #limits: MessageLimits;
  readonly #persons: ErasedPersons | undefined;
  /** Bytes of a message without its key and value. */
  readonly #overhead: number;

  /**
   * @param chunk The chunk's id.
   * @param options.persons The erased persons; none if left out.
   */
  constructor(
    source: string,
    chunk: string,
    { limits, persons }: { readonly limits: MessageLimits; readonly persons?: ErasedPersons },
  ) {
    this.#headers = { [SOURCE_HEADER]: source, [CHUNK_HEADER]: chunk };
    this.#source = source;
    this.#limits = limits;
    this.#persons = persons;
    this.#overhead = messageBytes({ key: null, value: null, headers: this.#headers });
  }

  /** Returns the message of a record, whose key is its user. */
  messageOf(record: Buffer): OutgoingMessage {
    return { key: userOf(record), value: record, headers: this.#headers };
  }

  /** Returns whether a record is of an erased person. */
  isErased(record: Buffer): boolean {
    return this.#persons?.hasMessage(this.#source, null, record) === true;
  }

  /** Whether all records of a chunk fit, by its largest record; false if unknown. */
  fitsAll({ largestBytes }: Chunk): boolean {
    return largestBytes !== undefined && largestBytes <= this.#limits.recordBytes && this.#fits(largestBytes);
  }

  /** The key is a part of the record, so at most as large. */
  #fits(bytes: number): boolean {
    return this.#overhead + 2 * bytes <= this.#limits.maxBytes;
  }

  /** Returns the reason why a record is too large to publish; undefined if it is not. */
  refusalOf(record: Buffer): string | undefined {
    const { recordBytes, maxBytes } = this.#limits;
    const tooLarge = sizeRefusal(record, recordBytes);
    if (tooLarge !== undefined) return tooLarge;
    if (this.#fits(record.length)) return undefined;
    const bytes = messageBytes(this.messageOf(record));
    return bytes <= maxBytes
      ? undefined
      : `makes a message of ${bytes} bytes, more than the ${maxBytes} that its topic takes`;
  }
}

/** Returns the reason why a record exceeds `recordBytes`; undefined if it does not. */
export function sizeRefusal({ length }: Buffer, recordBytes: number): string | undefined {
  if (length <= recordBytes) return undefined;
  return `has ${length} bytes, more than the ${recordBytes} that a record may have`;
}
