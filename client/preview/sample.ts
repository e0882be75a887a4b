import { fileURLToPath } from 'node:url';
import { recordReaderOf, type ContentRecords } from '../../steps/source/record-reader.ts';
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
  /** Whether these are all records of the content. */
  readonly whole: boolean;
  /** Whether the content has pages. Only the first is read. */
  readonly isPaged: boolean;
  /** The error that ended the sample early, if any. */
  readonly broken: PipelineError | undefined;
}

/** The limits of a sample; the first one reached ends it. */
export interface SampleLimits {
  readonly records: number;
  /** The size limit in bytes, since the sample is held in memory. */
  readonly bytes: number;
  /** The settings limits.contentBytes and limits.recordBytes. */
  readonly contentBytes: number;
  readonly recordBytes: number;
}

/** The content to sample: that of a source, or a file. */
export interface SampleRequest {
  /** A description for messages, as `source pearson`. */
  readonly subject: string;
  /** Undefined to detect it: a content that begins with `[` is a JSON array. */
  readonly format: RecordFormat | undefined;
  /** The source's settings that decide how its records are read. */
  readonly settings?: Pick<SourceSettings, 'records' | 'paging'>;
  readonly open: (signal: AbortSignal) => Promise<SourceContent>;
}

const PATIENCE = { idleMs: 30_000, windowMs: 30_000, minBytesPerSecond: 1 };

const OPEN_BRACKET = '['.charCodeAt(0);

/** Returns the request for a source's content, as a run would fetch it. */
export function contentOf(
  name: string,
  source: SourceSettings,
  interval: { readonly from?: string; readonly to?: string },
): SampleRequest {
  const subject = `source ${name}`;
  const request = { source: name, ...interval };
  const url = urlOf(request, source);
  const open =
    url.protocol === 'file:'
      ? () => Promise.resolve(localContent(fileURLToPath(url), subject))
      : (signal: AbortSignal) => download(accessOf(request, source), signal);
  return { subject, format: source.format, settings: source, open };
}

/** Returns the request for the content of a file. */
export function fileContent(file: string, format: RecordFormat | undefined): SampleRequest {
  return { subject: file, format, open: () => Promise.resolve(localContent(file, file)) };
}

/**
 * Reads the first records of a content, and then stops the download.
 * @throws {PipelineError} if no record could be read.
 */
export async function readSample(request: SampleRequest, limits: SampleLimits): Promise<Sample> {
  const reader = new SampleReader(request, limits);
  const controller = new AbortController();
  try {
    const whole = await reader.read(await request.open(controller.signal));
    return reader.sample(whole);
  } catch (error) {
    if (!(error instanceof PipelineError) || !reader.hasRecords) throw error;
    return reader.sample(false, error);
  } finally {
    controller.abort();
  }
}

/** Reads the first records of a content, up to the limits. */
class SampleReader {
  readonly #subject: string;
  readonly #settings: SampleRequest['settings'];
  readonly #limits: SampleLimits;
  readonly #records: Buffer[] = [];
  #bytes = 0;
  #format: RecordFormat | undefined;
  #reader: ContentRecords | undefined;

  constructor({ subject, format, settings }: SampleRequest, limits: SampleLimits) {
    this.#subject = subject;
    this.#settings = settings;
    this.#format = format;
    this.#limits = limits;
  }

  get hasRecords(): boolean {
    return this.#records.length > 0;
  }

  /** Reads records, and returns whether these are all records of the content. */
  async read(content: SourceContent): Promise<boolean> {
    const { contentBytes } = this.#limits;
    for await (const chunk of decoded(content, { subject: this.#subject, maxBytes: contentBytes })) {
      this.#format ??= detectFormat(chunk);
      if (this.#format === undefined) continue;
      if (this.#addRecords(this.#readerOf(this.#format).push(chunk))) return false;
    }
    this.#format ??= 'ndjson';
    const isFull = this.#addRecords(content.hasNoContent === true ? [] : this.#readerOf(this.#format).end());
    // Only the first page is read.
    if (this.#settings?.paging !== undefined) return false;
    if (!isFull) requireAllRecords(this.#subject, content, this.#records.length);
    return true;
  }

  /** @param whole Whether the records are all of the content. */
  sample(whole: boolean, broken?: PipelineError): Sample {
    const isPaged = this.#settings?.paging !== undefined;
    const format = this.#format ?? 'ndjson';
    return { records: this.#records, bytes: this.#bytes, format, whole, isPaged, broken };
  }

  #readerOf(format: RecordFormat): ContentRecords {
    const { recordBytes } = this.#limits;
    const options = { subject: this.#subject, recordBytes };
    this.#reader ??= recordReaderOf(
      { format, records: this.#settings?.records, paging: this.#settings?.paging },
      options,
    );
    return this.#reader;
  }

  /** Adds records up to the limits, and returns whether one is reached. */
  #addRecords(found: readonly Buffer[]): boolean {
    for (const record of found) {
      this.#records.push(record);
      this.#bytes += record.length;
      if (this.#records.length === this.#limits.records || this.#bytes >= this.#limits.bytes) return true;
    }
    return false;
  }
}

/** Detects the format by the first byte that is neither whitespace nor a byte order mark; undefined without one. */
function detectFormat(chunk: Buffer): RecordFormat | undefined {
  const first = chunk.find((byte) => byte > 0x20 && ![0xef, 0xbb, 0xbf].includes(byte));
  if (first === undefined) return undefined;
  return first === OPEN_BRACKET ? 'json-array' : 'ndjson';
}

async function download(access: HttpAccess, signal: AbortSignal): Promise<SourceContent> {
  const content = await openHttp({ ...access, signal, resume: undefined, timeouts: PATIENCE });
  return sourceContent(content, content.body);
}
