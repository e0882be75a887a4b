import rle from 'parquetjs-lite/lib/codec/rle.js';
import { PipelineError } from '../../model/errors.ts';

/**
 * Puts a decoder of runs into parquetjs-lite in place of its own, which adds the bytes of a repeated value up
 * instead of shifting them: of a dictionary with more than 256 values, it reads entry 330 as entry 75, and
 * so one offset as another, in silence.
 */
export function patchRunLengthDecoding(): void {
  rle.decodeValues = (_type, cursor, count, { bitWidth, disableEnvelope = false }) => {
    if (!disableEnvelope) cursor.offset += 4;
    const values: number[] = [];
    while (values.length < count) {
      const header = readVarint(cursor);
      // A run can say that it is longer than all that is wanted.
      const wanted = count - values.length;
      if ((header & 1) === 0) readRepeated(cursor, bitWidth, Math.min(header >>> 1, wanted), values);
      else readPacked(cursor, bitWidth, (header >>> 1) * 8, wanted, values);
    }
    return values;
  };
}

interface Cursor {
  readonly buffer: Buffer;
  offset: number;
}

function readVarint(cursor: Cursor): number {
  let value = 0;
  for (let shift = 0; shift < 32; shift += 7) {
    const byte = readByte(cursor);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value >>> 0;
  }
  throw new PipelineError('HDFS_DAMAGED', 'a run of a Parquet page has no length');
}

/** One value that stands for many, in as many whole bytes as it needs, the lowest first. */
function readRepeated(cursor: Cursor, bitWidth: number, count: number, values: number[]): void {
  let value = 0;
  for (let shift = 0; shift < bitWidth; shift += 8) value |= readByte(cursor) << shift;
  for (let at = 0; at < count; at += 1) values.push(value >>> 0);
}

/** Values side by side, each of so many bits, the lowest bit first; the last ones may be left out. */
function readPacked(cursor: Cursor, bitWidth: number, count: number, wanted: number, values: number[]): void {
  const end = cursor.offset + (bitWidth * count) / 8;
  const size = 2 ** bitWidth;
  // Up to 39 bits: more than an operator on bits takes, and less than a double holds.
  let bits = 0;
  let held = 0;
  for (let at = 0; at < Math.min(count, wanted); at += 1) {
    for (; held < bitWidth; held += 8) {
      bits += (cursor.buffer[cursor.offset] ?? 0) * 2 ** held;
      cursor.offset += 1;
    }
    values.push(bits % size);
    bits = Math.floor(bits / size);
    held -= bitWidth;
  }
  cursor.offset = end;
}

function readByte(cursor: Cursor): number {
  const byte = cursor.buffer[cursor.offset];
  if (byte === undefined) throw new PipelineError('HDFS_DAMAGED', 'a Parquet page ends within its runs');
  cursor.offset += 1;
  return byte;
}
