import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import type { Staging } from '../../adapters/staging/staging.ts';
import { PipelineError } from '../../model/errors.ts';
import type { Settings, SourceSettings } from '../../model/settings.ts';
import type { RunContext } from '../run-context.ts';
import type { SourceRequest } from './address.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { ContentHash } from './content-hash.ts';
import { decoded } from './decoding.ts';
import { recordReaderOf } from './record-reader.ts';
import { openSource, requireAllRecords } from './source-content.ts';

/** The services that write a content, and the run's staged files. */
export interface WriteDeps {
  readonly settings: Settings;
  readonly staging: Staging;
  readonly own: RunStaging;
}

/** A content in chunk files. */
export interface WrittenContent {
  readonly writer: ChunkWriter;
  /** Whether any record is valid. */
  readonly hasGood: boolean;
  /** The size of the decoded content. */
  readonly bytes: number;
  /**
   * SHA-256 in hexadecimal digits: of the decoded content; of its records if there is an object around them, since what
   * is beside them, as the time of the answer, may change.
   */
  readonly sha256: string;
}

const NO_BYTES = Buffer.alloc(0);

/** Streams the content into chunk files. A permanent error removes the bytes that were received. */
export async function writeContent(
  { settings, staging, own }: WriteDeps,
  run: RunContext,
  request: SourceRequest,
  source: SourceSettings,
): Promise<WrittenContent> {
  const folder = await own.makeFreshFolder('content/chunks');
  const spool = await own.locate('content/raw');
  const subject = `source ${request.source}`;
  const writer = new ChunkWriter({ staging, own, folder, subject });
  const { contentBytes, recordBytes } = settings.limits;
  const reader = recordReaderOf(source, { subject, recordBytes });
  const hash = new ContentHash(source.records === undefined ? 'bytes' : 'records');
  let bytes = 0;
  try {
    const raw = await openSource({ request, source, spool, run });
    for await (const part of decoded(raw, { subject, maxBytes: contentBytes })) {
      bytes += part.length;
      const records = reader.push(part);
      hash.add(part, records);
      await writer.add(records);
    }
    const last = raw.hasNoContent === true ? [] : reader.end();
    hash.add(NO_BYTES, last);
    await writer.add(last);
    await writer.close();
    requireAllRecords(subject, raw, writer.records);
    await own.remove('content/raw');
  } catch (error) {
    // A retry writes the chunks again, and needs their space if the disk is full.
    await writer.discard();
    // After a permanent error the whole content is requested again.
    if (!(error instanceof PipelineError && error.canRetry)) await own.remove('content/raw');
    throw error;
  }
  return { writer, hasGood: reader.hasGood, bytes, sha256: hash.digest() };
}
