import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openHttp, type HttpContent } from '../../adapters/http/source.ts';
import { beginSpool, continueSpool, findKept } from '../../adapters/http/spool.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
import type { SourceSettings } from '../../model/settings.ts';
import type { RunContext } from '../run-context.ts';
import { accessOf, urlOf } from './address.ts';

/** The content to read, and the file to spool it to. */
export interface SourceRead {
  readonly request: { readonly source: string; readonly from?: string; readonly to?: string };
  readonly source: SourceSettings;
  /** The absolute path of the spool file, from which a retry resumes. */
  readonly spool: string;
  readonly run: RunContext;
}

/** A source's content as it arrives. */
export interface SourceContent {
  /** The header Content-Type; undefined if missing, and for a file. */
  readonly contentType: string | undefined;
  /** The header Content-Encoding; undefined if missing, and for a file. */
  readonly contentEncoding: string | undefined;
  /** Whether the response status means no content (204, 205): no records, in any format. */
  readonly hasNoContent?: boolean;
  /** The total number of records by the response headers; undefined if missing, and for a file. */
  readonly totalRecords?: number | undefined;
  /** The bytes as sent, still encoded. */
  readonly bytes: AsyncIterable<Buffer>;
}

/**
 * Opens a source's content from its start. Bytes that an earlier attempt received are read from the spool file; only the
 * rest is requested.
 */
export async function openSource(read: SourceRead): Promise<SourceContent> {
  const url = urlOf(read.request, read.source);
  if (url.protocol === 'file:') return localContent(fileURLToPath(url), `source ${read.request.source}`);
  return download(read);
}

/** Returns the content of a local file, read by {@link readLocal}. */
export function localContent(file: string, subject: string): SourceContent {
  return { contentType: undefined, contentEncoding: undefined, bytes: readLocal(file, subject) };
}

/**
 * Reads a local file.
 * @param subject Names the source in errors.
 * @throws {PipelineError} SOURCE_REFUSED if it cannot be read.
 */
export async function* readLocal(file: string, subject: string): AsyncGenerator<Buffer> {
  try {
    for await (const bytes of createReadStream(file, { highWaterMark: 1 << 18 })) yield bytes as Buffer;
  } catch (cause) {
    throw new PipelineError('SOURCE_REFUSED', `${subject}: ${messageOf(cause)}`, { cause });
  }
}

async function download({ run, request, source, spool }: SourceRead): Promise<SourceContent> {
  const kept = await findKept(spool);
  const content = await openHttp({
    ...accessOf(request, source),
    resume: kept,
    signal: run.signal,
  });
  const { representation, body } = content;
  const isResumed = kept !== undefined && content.fromByte > 0;
  const bytes = isResumed ? continueSpool(kept, body) : beginSpool(spool, representation, body);
  return sourceContent(content, bytes);
}

/**
 * Returns an HTTP response as the content of a source.
 * @param bytes The body, after the bytes received before if it was resumed.
 */
export function sourceContent(
  { representation, hasNoContent }: HttpContent,
  bytes: AsyncIterable<Buffer>,
): SourceContent {
  const { contentType, contentEncoding, totalRecords } = representation;
  return { contentType, contentEncoding, hasNoContent, totalRecords, bytes };
}

/**
 * Rejects content with fewer records than the response headers count, since it is one page of several.
 * @throws {PipelineError} SOURCE_PAGED
 */
export function requireAllRecords(
  subject: string,
  { totalRecords = 0 }: SourceContent,
  records: number,
): void {
  if (totalRecords <= records) return;
  throw new PipelineError(
    'SOURCE_PAGED',
    `${subject}: the content has ${records} records of the ${totalRecords} that the server’s headers count, and only one page can be read`,
  );
}
