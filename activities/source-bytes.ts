import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { openHttp } from '../adapters/http-source.ts';
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

/** What a heartbeat leaves for the next try: it can go on with the spool of the same host. */
const Resumable = z.object({ host: z.string(), validator: z.string() });

/**
 * The bytes of a source as they come, from the beginning. What an earlier try received is read from disk;
 * only the rest is asked for.
 */
export async function* openSource(read: SourceRead): AsyncGenerator<Buffer> {
  const url = urlOf(read.request, read.source);
  if (url.protocol === 'file:') yield* readLocal(fileURLToPath(url), `source ${read.request.source}`);
  else yield* download(url.href, read);
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

async function* download(url: string, read: SourceRead): AsyncGenerator<Buffer> {
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
