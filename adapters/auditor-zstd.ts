import { decompress } from 'fzstd';
import compression from 'parquetjs-lite/lib/compression.js';

/** Has parquetjs-lite read what zstd has packed, for which it has no code of its own; it writes none. */
export function unpackZstd(): void {
  compression.PARQUET_COMPRESSION_METHODS['ZSTD'] = {
    inflate: (packed) => Buffer.from(decompress(packed)),
  };
}
