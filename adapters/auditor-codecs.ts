import { decompress } from 'fzstd';
import codecs from 'parquetjs-lite/lib/codec/index.js';
import compression from 'parquetjs-lite/lib/compression.js';

/** Has parquetjs-lite read what zstd has packed, for which it has no code of its own; it writes none. */
export function unpackZstd(): void {
  compression.PARQUET_COMPRESSION_METHODS['ZSTD'] = {
    inflate: (packed) => Buffer.from(decompress(packed)),
  };
}

/** Has it know a page of numbers of a dictionary by the newer name of the encoding too; the bytes are the same. */
export function knowDictionaries(): void {
  codecs['RLE_DICTIONARY'] = codecs['PLAIN_DICTIONARY'];
}
