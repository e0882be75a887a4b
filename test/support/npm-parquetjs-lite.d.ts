/** The parts of parquetjs-lite 0.8.7 that tests use besides those of the auditor. */
declare module 'parquetjs-lite/gen-nodejs/parquet_types.js' {
  /** The header of a page, whose fields are empty until it is decoded. */
  export class PageHeader {
    readonly uncompressed_page_size: number | null;
  }
}
