import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { linkTarget } from '../../adapters/http/redirects.ts';
import { openHttp, type HttpContent } from '../../adapters/http/source.ts';
import { PipelineError } from '../../model/errors.ts';
import type { PagingSettings } from '../../model/settings-feed.ts';
import type { SourceSettings } from '../../model/settings.ts';
import type { RunContext } from '../run-context.ts';
import { accessOf, urlOf, type SourceRequest } from './address.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { ContentHash } from './content-hash.ts';
import { decoded } from './decoding.ts';
import { PageLog } from './page-log.ts';
import { PageSequence, type ReadPage } from './page-sequence.ts';
import type { Position } from './paging.ts';
import { recordReaderOf } from './record-reader.ts';
import { sourceContent } from './source-content.ts';
import type { WriteDeps, WrittenContent } from './write-content.ts';

/** A source whose content comes in pages. */
export interface PagedSource extends SourceSettings {
  readonly paging: PagingSettings;
}

const FOLDER = 'content/chunks';

/** Requests of one page within an attempt, while the server asks to wait. */
const MAX_BUSY_REQUESTS = 5;

const NO_BYTES = Buffer.alloc(0);

/** Streams the pages of a content into chunk files. Continues after the last page of an earlier attempt. */
export async function writePages(
  deps: WriteDeps,
  run: RunContext,
  request: SourceRequest,
  source: PagedSource,
): Promise<WrittenContent> {
  const { own, staging } = deps;
  const log = await PageLog.open(own, FOLDER, identityOf(request, source));
  const subject = `source ${request.source}`;
  const sequence = new PageSequence(subject, source.paging);
  for (const page of log.pages) sequence.add(page);
  const writer = new ChunkWriter({ staging, own, folder: log.folder, subject });
  try {
    await writer.resume(
      log.pages.flatMap(({ ended }) => ended),
      log.pages.at(-1)?.current ?? null,
    );
    const reading = new PageReading(deps, run, request, source, writer);
    while (sequence.next !== null) {
      const page = sequence.check(await reading.read(sequence, sequence.next));
      await log.append({ ...page, ...(await writer.endPage()) });
      sequence.add(page);
    }
    await writer.close();
    // A person who has the fetch retried later expects what the server has then.
    await own.remove(log.path);
  } catch (error) {
    if (canContinue(error)) await writer.abandon();
    else {
      await writer.discard();
      await own.remove(log.folder);
    }
    throw error;
  } finally {
    await log.close();
  }
  const { hasGood, bytes, sha256 } = sequence;
  return { writer, hasGood, bytes, sha256 };
}

/** After a permanent error, and when the list changed, the first page is requested again. */
function canContinue(error: unknown): boolean {
  if (!(error instanceof PipelineError)) return true;
  return error.canRetry && error.code !== 'SOURCE_CHANGED';
}

/** Returns a hash of what decides the pages of a source. */
function identityOf(request: SourceRequest, source: PagedSource): string {
  const { url, method, headers, body } = accessOf(request, source);
  const { format, records, paging } = source;
  return createHash('sha256')
    .update(JSON.stringify([url, method, headers, body, format, records, paging]))
    .digest('hex');
}

/** Reads pages into the chunks of a writer. */
class PageReading {
  readonly #deps: WriteDeps;
  readonly #run: RunContext;
  readonly #request: SourceRequest;
  readonly #source: PagedSource;
  readonly #writer: ChunkWriter;
  #pauseMs = 0;

  constructor(
    deps: WriteDeps,
    run: RunContext,
    request: SourceRequest,
    source: PagedSource,
    writer: ChunkWriter,
  ) {
    this.#deps = deps;
    this.#run = run;
    this.#request = request;
    this.#source = source;
    this.#writer = writer;
  }

  async read(sequence: PageSequence, position: Position): Promise<ReadPage> {
    const { recordBytes, contentBytes } = this.#deps.settings.limits;
    const subject = sequence.nextSubject;
    const content = await this.#open(position);
    const reader = recordReaderOf(this.#source, { subject, recordBytes });
    const hash = new ContentHash('records');
    let bytes = 0;
    const raw = sourceContent(content, content.body);
    for await (const part of decoded(raw, { subject, maxBytes: contentBytes })) {
      bytes += part.length;
      if (sequence.bytes + bytes > contentBytes) throw tooLarge(subject, contentBytes);
      const records = reader.push(part);
      hash.add(part, records);
      await this.#writer.add(records);
    }
    const last = content.hasNoContent ? [] : reader.end();
    hash.add(NO_BYTES, last);
    await this.#writer.add(last);
    const { records, hasGood, members, isNull } = reader;
    const { nextLink, hasNoContent } = content;
    const follow = (link: string): Position => this.#follow(content, position, link);
    return {
      sha256: hash.digest(),
      records,
      bytes,
      hasGood,
      members,
      isNull,
      nextLink,
      hasNoContent,
      follow,
    };
  }

  /** Requests a page; waits and requests it again while the server asks to. */
  async #open(position: Position): Promise<HttpContent> {
    const { signal } = this.#run;
    if (this.#pauseMs > 0) await wait(this.#pauseMs, undefined, { signal });
    for (let requests = 1; ; requests += 1) {
      try {
        const access = accessOf(this.#request, this.#source, position);
        const content = await openHttp({ ...access, resume: undefined, signal });
        this.#pauseMs = content.pauseMs;
        return content;
      } catch (error) {
        const isBusy = error instanceof PipelineError && error.code === 'SOURCE_BUSY';
        if (!isBusy || error.retryAfterMs === undefined || requests === MAX_BUSY_REQUESTS) throw error;
        await wait(error.retryAfterMs, undefined, { signal });
      }
    }
  }

  #follow({ url, network }: HttpContent, position: Position, link: string): Position {
    const { redirectHosts } = this.#source;
    const rules = { subject: `source ${this.#request.source}`, redirectHosts };
    const target = linkTarget(rules, urlOf(this.#request, this.#source), url, link);
    return { kind: 'link', url: target.href, network: position.kind === 'link' ? position.network : network };
  }
}

function tooLarge(subject: string, contentBytes: number): PipelineError {
  return new PipelineError(
    'SOURCE_TOO_LARGE',
    `${subject}: the content has more than ${contentBytes} bytes with this page`,
  );
}
