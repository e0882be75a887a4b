import { messageBytes, type OutgoingMessage } from '../../adapters/kafka/outgoing-message.ts';
import { CHUNK_HEADER, SOURCE_HEADER, type Chunk } from '../../model/references.ts';
import { userOf } from '../../records/user.ts';

/** How many bytes a record may have, and the message that is made of it. */
export interface MessageLimits {
  readonly recordBytes: number;
  readonly maxBytes: number;
}

/** How the records of a chunk become messages, and which cannot. */
export class MessageBuilder {
  readonly #headers: Readonly<Record<string, string>>;
  readonly #limits: MessageLimits;
  /** Bytes of a message besides its key and its record. */
  readonly #overhead: number;

  /** @param chunk The chunk's id. */
  constructor(source: string, chunk: string, limits: MessageLimits) {
    this.#headers = { [SOURCE_HEADER]: source, [CHUNK_HEADER]: chunk };
    this.#limits = limits;
    this.#overhead = messageBytes({ key: null, value: null, headers: this.#headers });
  }

  messageOf(record: Buffer): OutgoingMessage {
    return { key: userOf(record), value: record, headers: this.#headers };
  }

  /** Whether it is known without reading a chunk that Kafka can take each of its records. */
  takesAll({ largestBytes }: Chunk): boolean {
    return largestBytes !== undefined && largestBytes <= this.#limits.recordBytes && this.#fits(largestBytes);
  }

  /** A key is a part of its record, so a record this small fits with any. */
  #fits(bytes: number): boolean {
    return this.#overhead + 2 * bytes <= this.#limits.maxBytes;
  }

  /** Why Kafka cannot take a record; undefined when it can. */
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

/** Why a record is too large to be published, whatever its topic takes; undefined when it is not. */
export function sizeRefusal({ length }: Buffer, recordBytes: number): string | undefined {
  if (length <= recordBytes) return undefined;
  return `has ${length} bytes, more than the ${recordBytes} that a record may have`;
}
