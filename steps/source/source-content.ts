import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openHttp, type HttpContent } from '../../adapters/http/source.ts';
import { beginSpool, continueSpool, findKept } from '../../adapters/http/spool.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
import type { SourceSettings } from '../../model/settings.ts';
import type { RunContext } from '../run-context.ts';
import { accessOf, urlOf } from './address.ts';

/** Where to read from, and where to keep what was received. */
export interface SourceRead {
  readonly request: { readonly source: string; readonly from?: string; readonly to?: string };
  readonly source: SourceSettings;
  /** The absolute path of the file that keeps what was received, so that a retry can go on. */
  readonly spool: string;
  readonly run: RunContext;
}

/** A source's content as it arrives. */
export interface SourceContent {
  /** The header Content-Type of a server's answer; undefined where it gave none, and for a file. */
  readonly contentType: string | undefined;
  /** The header Content-Encoding of a server's answer; undefined where it gave none, and for a file. */
  readonly contentEncoding: string | undefined;
  /** Whether a server said that there is no content (204, 205), so that no bytes mean no records in any format. */
  readonly hasNoContent?: boolean;
  /** How many records there are in all by a server's count; undefined where it gives none, and for a file. */
  readonly totalRecords?: number | undefined;
  /** The bytes as they were sent, still encoded. */
  readonly bytes: AsyncIterable<Buffer>;
}

/**
 * Opens a source's content at its beginning. Bytes that an earlier try received are read from disk; only the
 * rest is requested.
 */
export async function openSource(read: SourceRead): Promise<SourceContent> {
  const url = urlOf(read.request, read.source);
  if (url.protocol === 'file:') return localContent(fileURLToPath(url), `source ${read.request.source}`);
  return download(url.href, read);
}

/** The content of a file of this machine; like {@link readLocal}. */
export function localContent(file: string, subject: string): SourceContent {
  return { contentType: undefined, contentEncoding: undefined, bytes: readLocal(file, subject) };
}

/**
 * The bytes of a file of this machine.
 * @param subject Whose they are, for messages.
 * @throws {PipelineError} SOURCE_REFUSED when it cannot be read.
 */
export async function* readLocal(file: string, subject: string): AsyncGenerator<Buffer> {
  try {
    for await (const bytes of createReadStream(file, { highWaterMark: 1 << 18 })) yield bytes as Buffer;
  } catch (cause) {
    throw new PipelineError('SOURCE_REFUSED', `${subject}: ${messageOf(cause)}`, { cause });
  }
}

async function download(url: string, { run, request, source, spool }: SourceRead): Promise<SourceContent> {
  const kept = await findKept(spool);
  const content = await openHttp({
    ...accessOf(request.source, source, url),
    resume: kept,
    signal: run.signal,
  });
  const { representation, body } = content;
  const goesOn = kept !== undefined && content.fromByte > 0;
  const bytes = goesOn ? continueSpool(kept, body) : beginSpool(spool, representation, body);
  return sourceContent(content, bytes);
}

/**
 * A server's answer as the content of a source.
 * @param bytes The body, perhaps with what came before it.
 */
export function sourceContent(
  { representation, hasNoContent }: HttpContent,
  bytes: AsyncIterable<Buffer>,
): SourceContent {
  const { contentType, contentEncoding, totalRecords } = representation;
  return { contentType, contentEncoding, hasNoContent, totalRecords, bytes };
}

/**
 * Refuses a content with fewer records than its server counts in all: it is one page of several.
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
