import { RecordReader } from './record-reader.ts';

/** A message's headers, or the first of them. */
export interface DecodedHeaders {
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
  /** How many the message has. */
  readonly count: number;
}

/**
 * Reads a message's headers, in order, as long as they are within bounds.
 * @param headers As a record holds them.
 * @param most How many are read, and in how many bytes, at most.
 * @throws {RangeError} where the bytes are no headers.
 */
export function decodeHeaders(
  headers: Buffer,
  most: HeaderBounds = { count: Infinity, bytes: Infinity },
): DecodedHeaders {
  const reader = new RecordReader(headers);
  const count = reader.readVarint();
  // Each has two lengths at least.
  if (count < 0 || count * 2 > headers.length) throw new RangeError('a record has another number of headers');
  const decoded: [name: string, value: Buffer | null][] = [];
  while (decoded.length < Math.min(count, most.count)) {
    const name = reader.readBytes();
    if (name === null) throw new RangeError('a header of a record has no name');
    const header: [string, Buffer | null] = [name.toString('utf8'), reader.readBytes()];
    if (reader.position > most.bytes) break;
    decoded.push(header);
  }
  if (decoded.length === count && reader.position !== headers.length)
    throw new RangeError('a record has more than its headers');
  return { headers: decoded, count };
}

/** How many headers, and how many bytes of them, are read at most. */
export interface HeaderBounds {
  readonly count: number;
  readonly bytes: number;
}
