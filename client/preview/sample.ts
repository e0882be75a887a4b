import { fileURLToPath } from 'node:url';
import { ContentReader } from '../../steps/source/content-reader.ts';
import { accessOf, urlOf } from '../../steps/source/address.ts';
import {
  localContent,
  requireAllRecords,
  sourceContent,
  type SourceContent,
} from '../../steps/source/source-content.ts';
import { decoded } from '../../steps/source/decoding.ts';
import type { RecordFormat } from '../../steps/source/record-splitter.ts';
import { openHttp, type HttpAccess } from '../../adapters/http/source.ts';
import { PipelineError } from '../../model/errors.ts';
import type { SourceSettings } from '../../model/settings.ts';

/** The first records of a content. */
export interface Sample {
  readonly records: readonly Buffer[];
  readonly bytes: number;
  readonly format: RecordFormat;
  /** Whether the content ends with these records. */
  readonly whole: boolean;
  /** Why the content could not be read further, where that is why there are no more records. */
  readonly broken: PipelineError | undefined;
}

/** How much of a content to look at; whichever is reached first. */
export interface SampleLimits {
  readonly records: number;
  /** A sample this large is enough: it is held in memory. */
  readonly bytes: number;
  /** The settings limits.contentBytes and limits.recordBytes. */
  readonly contentBytes: number;
  readonly recordBytes: number;
}

/** What to look at: a source of the settings for an interval, or a file. */
export interface SampleRequest {
  /** What is looked at, for messages, as `source pearson`. */
  readonly subject: string;
  /** Undefined where the content itself is to tell: one that begins with `[` is a JSON array. */
  readonly format: RecordFormat | undefined;
  readonly open: (signal: AbortSignal) => Promise<SourceContent>;
}

const PATIENCE = { idleMs: 30_000, windowMs: 30_000, minBytesPerSecond: 1 };

const OPEN_BRACKET = '['.charCodeAt(0);

/** A source's content, as its run would ask for it. Nothing of it is kept. */
export function contentOf(
  name: string,
  source: SourceSettings,
  interval: { readonly from?: string; readonly to?: string },
): SampleRequest {
  const subject = `source ${name}`;
  const url = urlOf({ source: name, ...interval }, source);
  const open =
    url.protocol === 'file:'
      ? () => Promise.resolve(localContent(fileURLToPath(url), subject))
      : (signal: AbortSignal) => download(accessOf(name, source, url.href), signal);
  return { subject, format: source.format, open };
}

/** The content of a file that no source names. */
export function fileContent(file: string, format: RecordFormat | undefined): SampleRequest {
  return { subject: file, format, open: () => Promise.resolve(localContent(file, file)) };
}

/**
 * The first records of a content. What comes after them is not asked for.
 * @throws {PipelineError} where there is no content at all to be had.
 */
export async function readSample(request: SampleRequest, limits: SampleLimits): Promise<Sample> {
  const { subject } = request;
  const records: Buffer[] = [];
  let format = request.format;
  let bytes = 0;
  let reader: ContentReader | undefined;
  const take = (found: readonly Buffer[]): boolean => {
    for (const record of found) {
      records.push(record);
      bytes += record.length;
      if (records.length === limits.records || bytes >= limits.bytes) return true;
    }
    return false;
  };
  const stopped = new AbortController();
  try {
    const content = await request.open(stopped.signal);
    for await (const piece of decoded(content, { subject, maxBytes: limits.contentBytes })) {
      format ??= formatOf(piece);
      if (format === undefined) continue;
      reader ??= new ContentReader({ format, subject, recordBytes: limits.recordBytes });
      if (take(reader.push(piece))) return { records, bytes, format, whole: false, broken: undefined };
    }
    format ??= 'ndjson';
    reader ??= new ContentReader({ format, subject, recordBytes: limits.recordBytes });
    const isFull = take(content.hasNoContent === true ? [] : reader.end());
    if (!isFull) requireAllRecords(subject, content, records.length);
    return { records, bytes, format, whole: true, broken: undefined };
  } catch (error) {
    if (!(error instanceof PipelineError) || records.length === 0 || format === undefined) throw error;
    return { records, bytes, format, whole: false, broken: error };
  } finally {
    stopped.abort();
  }
}

/** How records stand in a content, by its first byte that is no space or mark; undefined while none came. */
function formatOf(piece: Buffer): RecordFormat | undefined {
  const first = piece.find((byte) => byte > 0x20 && ![0xef, 0xbb, 0xbf].includes(byte));
  if (first === undefined) return undefined;
  return first === OPEN_BRACKET ? 'json-array' : 'ndjson';
}

async function download(access: HttpAccess, signal: AbortSignal): Promise<SourceContent> {
  const content = await openHttp({ ...access, signal, resume: undefined, timeouts: PATIENCE });
  return sourceContent(content, content.body);
}
