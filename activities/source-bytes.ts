import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { openHttp, type HttpContent } from '../adapters/http-source.ts';
import { staged, type Staging } from '../adapters/staging.ts';
import { PipelineError, messageOf } from '../model/errors.ts';
import type { SourceSettings } from '../model/settings.ts';
import type { RunContext } from './run-context.ts';
import { tokenOf, urlOf } from './source-address.ts';

/** Where to read from, and where to keep what was received. */
export interface SourceRead {
  readonly request: { readonly source: string; readonly from?: string; readonly to?: string };
  readonly source: SourceSettings;
  readonly staging: Staging;
  /** The file that keeps what was received, relative to the staging folder, so that a retry can go on. */
  readonly spool: string;
  readonly run: RunContext;
}

/** A source's content as it arrives. */
export interface SourceContent {
  /** The header Content-Type of a server's answer; undefined where it gave none, and for a file. */
  readonly contentType: string | undefined;
  /** The header Content-Encoding of a server's answer; undefined where it gave none, and for a file. */
  readonly contentEncoding: string | undefined;
  /** The bytes as they were sent, still encoded. */
  readonly bytes: AsyncIterable<Buffer>;
}

/** What a heartbeat leaves for the next try: it can go on with the spool of the same host. */
const Resumable = z.object({ host: z.string(), validator: z.string() });

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

async function download(url: string, read: SourceRead): Promise<SourceContent> {
  const { run, staging, request, source } = read;
  const spool = staging.resolve(read.spool);
  const earlier = Resumable.safeParse(run.lastDetails);
  const received = earlier.success && earlier.data.host === staging.hostId ? await sizeOf(spool) : 0;
  const subject = `source ${request.source}`;
  const content = await openHttp({
    url,
    subject,
    token: tokenOf(request.source, source),
    redirectHosts: source.redirectHosts,
    resume:
      received > 0 && earlier.success ? { validator: earlier.data.validator, fromByte: received } : undefined,
    signal: run.signal,
  });
  if (content.validator !== undefined) run.remember({ host: staging.hostId, validator: content.validator });
  const { contentType, contentEncoding } = content;
  return { contentType, contentEncoding, bytes: spooled(content, spool, subject) };
}

/** The bytes that an earlier try left in the spool file, then those of the answer, which are added to it. */
async function* spooled(content: HttpContent, spool: string, subject: string): AsyncGenerator<Buffer> {
  if (content.fromByte > 0) yield* readLocal(spool, subject);
  const keep = await staged(spool, open(spool, content.fromByte > 0 ? 'a' : 'w'));
  let kept = Promise.resolve();
  try {
    for await (const bytes of content.body) {
      await kept;
      // Whoever asked for them works with them meanwhile.
      kept = staged(spool, keep.appendFile(bytes));
      kept.catch(() => undefined);
      yield bytes;
    }
    await kept;
  } finally {
    await Promise.allSettled([kept]);
    await keep.close();
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw error;
  }
}
