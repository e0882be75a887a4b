import { RecordReader } from './record-reader.ts';

/** A message's headers, up to the bounds of {@link decodeHeaders}. */
export interface DecodedHeaders {
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
  /** The number of headers of the message, including those not decoded. */
  readonly count: number;
}

/**
 * Decodes a message's headers, in order, up to the bounds.
 * Format: https://kafka.apache.org/documentation/#recordheader
 *
 * | Field          | Type   | Bytes |           |
 * | -------------- | ------ | ----: | --------- |
 * | headers_count  | VARINT |  1..5 |           |
 * | – key_length   | VARINT |  1..5 |           |
 * | – key          | UTF-8  |     n |           |
 * | – value_length | VARINT |  1..5 | -1: null  |
 * | – value        | bytes  |     n |           |
 *
 * @param headers The encoded headers of a record, count included.
 * @param bounds The maximum number of headers and bytes to decode.
 * @throws {RangeError} if the bytes are not valid headers.
 */
export function decodeHeaders(
  headers: Buffer,
  bounds: HeaderBounds = { count: Infinity, bytes: Infinity },
): DecodedHeaders {
  const reader = new RecordReader(headers);
  const count = reader.readVarint();
  // A header takes two bytes or more: its lengths.
  if (count < 0 || count * 2 > headers.length)
    throw new RangeError('the number of headers of a record is wrong');
  const decoded: [name: string, value: Buffer | null][] = [];
  while (decoded.length < Math.min(count, bounds.count)) {
    const name = reader.readBytes();
    if (name === null) throw new RangeError('a header of a record has no name');
    const header: [string, Buffer | null] = [name.toString('utf8'), reader.readBytes()];
    if (reader.position > bounds.bytes) break;
    decoded.push(header);
  }
  if (decoded.length === count && reader.position !== headers.length)
    throw new RangeError('a record has more than its headers');
  return { headers: decoded, count };
}

/** The maximum number of headers, and of bytes of them, to decode. */
export interface HeaderBounds {
  readonly count: number;
  readonly bytes: number;
}
