import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { OutgoingMessage } from '../../adapters/kafka/outgoing-message.ts';
import type { Publisher } from '../../adapters/kafka/publish.ts';
import type { IdlePublishers } from '../../adapters/kafka/publisher-pool.ts';
import type { Logger } from '../../adapters/log.ts';
import { readFrames } from '../../adapters/staging/frames.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import { prefetch } from '../../lib/prefetch.ts';
import { messageOf } from '../../model/errors.ts';
import { addEnds, type Published, type PublishedChunk } from '../../model/published.ts';
import { MAX_REASONS_OF_STEP, ReasonTally } from '../../model/reasons.ts';
import type { Chunk, Offset } from '../../model/references.ts';
import type { Settings } from '../../model/settings.ts';
import type { RunContext } from '../run-context.ts';
import { ErasedPersons } from '../erasure/erased-persons.ts';
import { SuppressionList } from '../erasure/suppression-list.ts';
import { MessageBuilder } from './message-builder.ts';
import { quarantineRefused, type RefusedRecord } from './refused-records.ts';

/** Chunks of one source to publish. */
export interface ChunksToPublish {
  readonly source: string;
  readonly topic: string;
  /** At least one, in the order to publish them. */
  readonly chunks: readonly Chunk[];
  /** The UTC day that names the partition of refused records, as 2026-01-31. */
  readonly ingestedOn: string;
}

/** The services of {@link publishChunks}, and the run's staged files. */
export interface PublishDeps {
  readonly settings: Pick<Settings, 'limits' | 'erasure'>;
  readonly warehouse: Warehouse;
  readonly logger: Logger;
  /** Connected publishers, by topic. */
  readonly publishers: Pick<IdlePublishers, 'use'>;
  readonly own: RunStaging;
}

/**
 * Publishes chunks in order, each in one Kafka transaction, once however often this is called. After an error it returns
 * the chunks published before, if any. Records that Kafka cannot accept go into quarantine first; those of erased persons
 * are dropped. A chunk is published only as this run fetched it.
 * @throws {PipelineError} INPUT_INVALID, STAGING_LOST, KAFKA_UNREACHABLE, KAFKA_REFUSED, ERASURE_KEY_MISSING,
 * ERASURE_KEY_CHANGED, an error of HDFS
 */
export async function publishChunks(
  deps: PublishDeps,
  run: RunContext,
  { chunks, ...target }: ChunksToPublish,
): Promise<Published> {
  const published: PublishedChunk[] = [];
  const ends: Record<number, Offset> = {};
  let countedSeconds = 0;
  const suppressed = await new SuppressionList(deps.warehouse).read([target.source]);
  const persons = new ErasedPersons(deps.settings.erasure, suppressed);
  const erasures = suppressed.get(target.source)?.number ?? 0;
  try {
    await deps.publishers.use(target.topic, async (publisher) => {
      const work = (chunk: Chunk, previous: Promise<unknown>): ReturnType<typeof publishChunk> =>
        publishChunk(deps, run, publisher, { ...target, chunk, persons, erasures, before: previous });
      for await (const { ends: chunkEnds, ...result } of prefetch(chunks, work)) {
        const seconds = run.seconds();
        addEnds(ends, chunkEnds);
        published.push({ ...result, seconds: seconds - countedSeconds });
        countedSeconds = seconds;
      }
    });
  } catch (error) {
    if (published.length === 0) throw error;
    const failed = { chunk: chunks[published.length]?.id, error: messageOf(error) };
    deps.logger.warn(failed, 'a chunk could not be published; the next attempt begins with it');
  }
  return { chunks: published, ends };
}

interface ChunkRequest extends Omit<ChunksToPublish, 'chunks'> {
  readonly chunk: Chunk;
  readonly persons: ErasedPersons;
  /** The number of the source's last erasure. */
  readonly erasures: number;
  /** Settles before anything of the chunk is sent. */
  readonly before: Promise<unknown>;
}

async function publishChunk(
  deps: PublishDeps,
  run: RunContext,
  publisher: Publisher,
  request: ChunkRequest,
): Promise<Omit<PublishedChunk, 'seconds'> & Pick<Published, 'ends'>> {
  const { chunk, source, topic, persons, before } = request;
  const { own } = deps;
  await own.requireReceipt(chunk.path, { source, topic, chunk });
  const limits = { recordBytes: deps.settings.limits.recordBytes, maxBytes: publisher.maxBytes };
  const builder = new MessageBuilder(source, chunk.id, { limits, persons });
  const file = await own.locate(chunk.path);
  const refused = builder.fitsAll(chunk) ? [] : await readRefused(file, builder);
  if (refused.length > 0) await quarantineRefused(deps, run, request, refused);
  const set = { id: chunk.id, messages: buildMessages(file, builder, run) };
  const { ends } = await publisher.publishOnce(set, before);
  const erased = persons.concerns(source) ? await countErased(file, builder) : 0;
  const reasons = new ReasonTally();
  for (const { reason } of refused) reasons.add('publish', { path: '', reason });
  return {
    ends,
    refused: refused.length,
    reasons: reasons.top(MAX_REASONS_OF_STEP),
    ...(erased === 0 ? {} : { erased }),
  };
}

/** Counts the records of erased persons in a chunk, whichever attempt published it. */
async function countErased(file: string, builder: MessageBuilder): Promise<number> {
  let erased = 0;
  for await (const frames of readFrames(file))
    for (const record of frames) if (builder.isErased(record)) erased += 1;
  return erased;
}

async function readRefused(file: string, builder: MessageBuilder): Promise<RefusedRecord[]> {
  const refused: RefusedRecord[] = [];
  let position = 0;
  for await (const frames of readFrames(file)) {
    for (const record of frames) {
      const reason = builder.isErased(record) ? undefined : builder.refusalOf(record);
      if (reason !== undefined) refused.push({ position, reason, payload: Buffer.from(record) });
      position += 1;
    }
  }
  return refused;
}

async function* buildMessages(
  file: string,
  builder: MessageBuilder,
  run: RunContext,
): AsyncGenerator<OutgoingMessage[]> {
  for await (const frames of readFrames(file)) {
    run.signal.throwIfAborted();
    yield frames
      .filter((record) => builder.refusalOf(record) === undefined && !builder.isErased(record))
      .map((record) => builder.messageOf(record));
  }
}
