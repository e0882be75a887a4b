import { isUtf8 } from 'node:buffer';
import type { IHeaders, KafkaMessage } from 'kafkajs';

/** A Kafka message as a staged file holds it. */
export interface StagedMessage {
  readonly partition: number;
  readonly offset: bigint;
  /** Milliseconds since 1970, as its producer or the broker set it. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  /** Its headers as {@link headersText} writes them. */
  readonly headers: string;
  readonly value: Buffer | null;
}

/** One header as it is written: `base64` where its value is no UTF-8. */
export type WrittenHeader = { key: string; value: string | null } | { key: string; base64: string };

/** Partition (4 bytes), offset (8), timestamp (8), and the lengths of key, headers and value (4 each). */
const HEAD_BYTES = 32;
const NONE = -1;

/** Makes frames of messages. */
export class MessageEncoder {
  #last: { readonly of: IHeaders; readonly written: Buffer } = { of: {}, written: Buffer.from('[]') };

  /** The parts of a frame that holds a message. */
  encode(partition: number, message: KafkaMessage): Buffer[] {
    return encodeMessage(partition, message, this.#written(message.headers ?? {}));
  }

  /** Most messages have the headers of the one before. */
  #written(headers: IHeaders): Buffer {
    if (!areSame(headers, this.#last.of))
      this.#last = { of: headers, written: Buffer.from(headersText(headers)) };
    return this.#last.written;
  }
}

/** Whether headers are written alike, as far as that can be seen at once. */
function areSame(one: IHeaders, other: IHeaders): boolean {
  const names = Object.keys(one);
  const others = Object.keys(other);
  if (names.length !== others.length) return false;
  return names.every((name, at) => {
    const [value, before] = [one[name], other[name]];
    return name === others[at] && Buffer.isBuffer(value) && Buffer.isBuffer(before) && value.equals(before);
  });
}

function encodeMessage(
  partition: number,
  { key, value, ...message }: KafkaMessage,
  headers: Buffer,
): Buffer[] {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeInt32BE(partition, 0);
  head.writeBigInt64BE(BigInt(message.offset), 4);
  head.writeBigInt64BE(BigInt(message.timestamp), 12);
  head.writeInt32BE(key?.length ?? NONE, 20);
  head.writeInt32BE(headers.length, 24);
  head.writeInt32BE(value?.length ?? NONE, 28);
  return [head, ...(key === null ? [] : [key]), headers, ...(value === null ? [] : [value])];
}

/** The message of a frame. Its buffers share the frame's memory. */
export function decodeMessage(frame: Buffer): StagedMessage {
  let at = HEAD_BYTES;
  const part = (length: number): Buffer | null => {
    if (length === NONE) return null;
    at += length;
    return frame.subarray(at - length, at);
  };
  const key = part(frame.readInt32BE(20));
  const headers = part(frame.readInt32BE(24));
  const value = part(frame.readInt32BE(28));
  return {
    partition: frame.readInt32BE(0),
    offset: frame.readBigInt64BE(4),
    timestampMs: Number(frame.readBigInt64BE(12)),
    key,
    headers: headers?.toString('utf8') ?? '[]',
    value,
  };
}

/**
 * Headers as a JSON array: those of one name together and in order, since the client hands them on so, and the
 * names in the order in which they first came, but whole numbers before the others.
 */
export function headersText(headers: IHeaders): string {
  const written = Object.entries(headers).flatMap(([key, values]) =>
    (Array.isArray(values) ? values : [values])
      .filter(isFromMessage)
      .map((value) => writtenHeader(key, value)),
  );
  return JSON.stringify(written);
}

/**
 * The client gathers headers in an object. Where one is called as something that every object has, such as
 * `constructor`, it takes that for the first value of the name. And it gives null where a header has no value,
 * whatever its types say.
 */
function isFromMessage(value: unknown): boolean {
  return value === null || value === undefined || typeof value === 'string' || Buffer.isBuffer(value);
}

/**
 * Headers as they are published, from the text that {@link headersText} makes. One without a value gets an empty
 * one, since the client cannot write it.
 */
export function headersFrom(text: string): Record<string, Buffer[]> {
  const values = new Map<string, Buffer[]>();
  for (const header of JSON.parse(text) as WrittenHeader[]) {
    const value =
      'base64' in header ? Buffer.from(header.base64, 'base64') : Buffer.from(header.value ?? '', 'utf8');
    values.set(header.key, [...(values.get(header.key) ?? []), value]);
  }
  return Object.fromEntries(values);
}

/** The value of the first header of that name; undefined where there is none, or it is no text. */
export function headerOf(headers: string, name: string): string | undefined {
  const found = (JSON.parse(headers) as WrittenHeader[]).find(({ key }) => key === name);
  return found !== undefined && 'value' in found && found.value !== null ? found.value : undefined;
}

function writtenHeader(key: string, value: Buffer | string | null | undefined): WrittenHeader {
  if (value === undefined || value === null) return { key, value: null };
  const bytes = Buffer.from(value);
  return isUtf8(bytes) ? { key, value: bytes.toString('utf8') } : { key, base64: bytes.toString('base64') };
}
