/** Types of the parts of parquetjs-lite 0.8.7 that the auditor uses; the package has none. */
declare module 'parquetjs-lite' {
  /** A row, by column. A null column is missing; of a column with a dictionary, each value is a text. */
  type Row = Readonly<Record<string, unknown>>;

  interface Cursor {
    /** The rows of the next row group; null after the last. */
    nextRowGroup(): Promise<readonly Row[] | null>;
  }

  interface ParquetReader {
    getCursor(columns: readonly string[]): Cursor;
    /** How many rows the footer counts: a number, or an object that is turned into one. */
    getRowCount(): unknown;
    close(): Promise<void>;
  }

  const parquet: { ParquetReader: { openFile(file: string): Promise<ParquetReader> } };
  export default parquet;
}

declare module 'parquetjs-lite/lib/codec/rle.js' {
  interface Cursor {
    readonly buffer: Buffer;
    offset: number;
  }

  interface Options {
    readonly bitWidth: number;
    /** Whether the runs begin at once, without their length before them. */
    readonly disableEnvelope?: boolean;
  }

  const rle: { decodeValues(type: string, cursor: Cursor, count: number, options: Options): number[] };
  export default rle;
}

declare module 'parquetjs-lite/lib/codec/index.js' {
  /** How each encoding is read, by its name in Parquet. */
  const codecs: Record<string, unknown>;
  export default codecs;
}

declare module 'parquetjs-lite/lib/compression.js' {
  /** How each codec of Parquet is unpacked, by its name there. */
  const compression: {
    readonly PARQUET_COMPRESSION_METHODS: Record<string, { readonly inflate: (packed: Buffer) => Buffer }>;
  };
  export default compression;
}

declare module 'parquetjs-lite/lib/util.js' {
  const util: {
    /**
     * Decodes a structure of Parquet's metadata in place; the header of a page has a size.
     * @returns How many bytes it has.
     */
    decodeThrift: (
      decoded: { readonly uncompressed_page_size?: number | null },
      bytes: Buffer,
      offset?: number,
    ) => number;
  };
  export default util;
}
