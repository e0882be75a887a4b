import type { JsonObject } from '../../lib/json-path.ts';
import type { SourceSettings } from '../../model/settings.ts';
import { ContentReader } from './content-reader.ts';
import { EnvelopeReader } from './envelope-reader.ts';
import type { RecordFormat } from './record-splitter.ts';

/** Reads the records of one decompressed content, or of one page. */
export interface ContentRecords {
  /** The number of records read. */
  readonly records: number;
  /** Whether any record is valid. */
  readonly hasGood: boolean;
  /** The members beside the records, after the end; undefined if there is no object around them. */
  readonly members?: JsonObject;
  /** Whether a page has null in place of its records. */
  readonly isNull?: boolean;
  /** Returns the records that end in these bytes. */
  push(bytes: Buffer): Buffer[];
  /** Ends the content and returns its last record, if it was not returned yet. */
  end(): Buffer[];
}

/** Options of {@link recordReaderOf}. */
export interface RecordReaderOptions {
  /** Names the source in errors, as `source pearson`. */
  readonly subject: string;
  /** The largest valid record in bytes. */
  readonly recordBytes: number;
}

/** Returns the reader for the content of a source: of the array or lines themselves, or of an object around them. */
export function recordReaderOf(
  { format, records, paging }: { readonly format: RecordFormat } & Pick<SourceSettings, 'records' | 'paging'>,
  options: RecordReaderOptions,
): ContentRecords {
  if (records === undefined) return new ContentReader({ ...options, format });
  return new EnvelopeReader({ ...options, path: records, isPaged: paging !== undefined });
}
