import { gunzipSync } from 'node:zlib';
import { Decompress } from 'fzstd';
import codecs from 'parquetjs-lite/lib/codec/index.js';
import compression from 'parquetjs-lite/lib/compression.js';
import util from 'parquetjs-lite/lib/util.js';
import { uncompress } from 'snappyjs';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { requireZstdFrame } from './zstd-frame.ts';

/** The maximum size of a decompressed page. Writers end a page at about 1 MiB, or after one larger value. */
export const MAX_PAGE_BYTES = 256 << 20;

/** Decompresses a page; throws if the result exceeds `maxBytes`. */
type Inflate = (packed: Buffer, maxBytes: number) => Buffer;

/**
 * Patches parquetjs-lite: limits each decompressed page to the size in its header and to {@link MAX_PAGE_BYTES}, and adds
 * zstd.
 */
export function boundPages(): void {
  let pageBytes = 0;
  const decodeThrift = util.decodeThrift;
  // A page's header is decoded immediately before the page.
  util.decodeThrift = (decoded, bytes, offset) => {
    const length = decodeThrift(decoded, bytes, offset);
    pageBytes = decoded.uncompressed_page_size ?? pageBytes;
    return length;
  };
  const bounded = (codec: string, inflate: Inflate) => ({
    inflate: (packed: Buffer) => inflatePage(codec, inflate, packed, pageBytes),
  });
  const methods = compression.PARQUET_COMPRESSION_METHODS;
  methods['GZIP'] = bounded('GZIP', (packed, maxOutputLength) => gunzipSync(packed, { maxOutputLength }));
  methods['SNAPPY'] = bounded('SNAPPY', (packed, maxBytes) => uncompress(packed, maxBytes));
  methods['ZSTD'] = bounded('ZSTD', inflateZstd);
}

/** @throws {PipelineError} HDFS_DAMAGED */
function inflatePage(codec: string, inflate: Inflate, packed: Buffer, pageBytes: number): Buffer {
  const refused = (why: string): PipelineError =>
    new PipelineError('HDFS_DAMAGED', `a page that ${codec} has compressed: ${why}`);
  if (pageBytes < 0 || pageBytes > MAX_PAGE_BYTES)
    throw refused(`its header says ${pageBytes} bytes, and a page may have ${MAX_PAGE_BYTES}`);
  try {
    return inflate(packed, pageBytes);
  } catch (error) {
    throw refused(`it does not decompress into the ${pageBytes} bytes of its header: ${messageOf(error)}`);
  }
}

function inflateZstd(packed: Buffer, maxBytes: number): Buffer {
  requireZstdFrame(packed, maxBytes);
  const blocks: Uint8Array[] = [];
  let left = maxBytes;
  const stream = new Decompress((block) => {
    left -= block.length;
    if (left < 0) throw new RangeError('it has more bytes');
    blocks.push(block);
  });
  stream.push(packed, true);
  return Buffer.concat(blocks);
}

/** Registers RLE_DICTIONARY in parquetjs-lite: the newer name of the same encoding of dictionary indexes. */
export function registerDictionaries(): void {
  codecs['RLE_DICTIONARY'] = codecs['PLAIN_DICTIONARY'];
}
