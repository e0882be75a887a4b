import rle from 'parquetjs-lite/lib/codec/rle.js';
import { PipelineError } from '../../model/errors.ts';

/**
 * Replaces the RLE decoder of parquetjs-lite, which adds the bytes of a repeated value instead of shifting them: in a
 * dictionary with more than 256 values, it silently reads entry 330 as entry 75.
 */
export function patchRunLengthDecoding(): void {
  rle.decodeValues = (_type, cursor, count, { bitWidth, disableEnvelope = false }) => {
    if (!disableEnvelope) cursor.offset += 4;
    const values: number[] = [];
    while (values.length < count) {
      const header = readVarint(cursor);
      // A run can be longer than the remaining values.
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

/** Reads an RLE run: one value in whole bytes, little-endian. */
function readRepeated(cursor: Cursor, bitWidth: number, count: number, values: number[]): void {
  let value = 0;
  for (let shift = 0; shift < bitWidth; shift += 8) value |= readByte(cursor) << shift;
  for (let at = 0; at < count; at += 1) values.push(value >>> 0);
}

/** Reads a bit-packed run, least significant bit first; the last values may be missing. */
function readPacked(cursor: Cursor, bitWidth: number, count: number, wanted: number, values: number[]): void {
  const end = cursor.offset + (bitWidth * count) / 8;
  const size = 2 ** bitWidth;
  // Up to 39 bits: too many for bitwise operators, but exact in a double.
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
