/** What the tests use of the package parquetjs-lite 0.8.7 besides what the auditor does. */
declare module 'parquetjs-lite/gen-nodejs/parquet_types.js' {
  /** The header of a page, of which the fields are empty until it is decoded. */
  export class PageHeader {
    readonly uncompressed_page_size: number | null;
  }
}
