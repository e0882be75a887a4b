import { isUtf8 } from 'node:buffer';
import { decodeHeaders, type KafkaMessage } from './kafka-fetched-batch.ts';

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
  #last: { readonly of: Buffer; readonly written: Buffer } | undefined;

  /** The parts of a frame that holds a message. */
  encode(partition: number, message: KafkaMessage): Buffer[] {
    return encodeMessage(partition, message, this.#written(message.headers));
  }

  /** Most messages have the headers of the one before. */
  #written(headers: Buffer): Buffer {
    if (this.#last?.of.equals(headers) !== true)
      this.#last = { of: Buffer.from(headers), written: Buffer.from(headersText(decodeHeaders(headers))) };
    return this.#last.written;
  }
}

function encodeMessage(
  partition: number,
  { key, value, offset, timestampMs }: KafkaMessage,
  headers: Buffer,
): Buffer[] {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeInt32BE(partition, 0);
  head.writeBigInt64BE(offset, 4);
  head.writeBigInt64BE(timestampMs, 12);
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

/** Headers as a JSON array, in order. */
export function headersText(headers: readonly (readonly [name: string, value: Buffer | null])[]): string {
  return JSON.stringify(headers.map(([name, value]) => writtenHeader(name, value)));
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

function writtenHeader(key: string, value: Buffer | null): WrittenHeader {
  if (value === null) return { key, value: null };
  return isUtf8(value) ? { key, value: value.toString('utf8') } : { key, base64: value.toString('base64') };
}
