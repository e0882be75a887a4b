import { readFrames } from '../adapters/staging/frames.ts';
import { IdlePublishers } from '../adapters/kafka/publisher-pool.ts';
import type { Publisher } from '../adapters/kafka/publish.ts';
import { prefetch } from '../lib/prefetch.ts';
import type { OutgoingMessage } from '../adapters/kafka/outgoing-message.ts';
import { RunStaging } from '../adapters/staging/run-staging.ts';
import { messageOf } from '../model/errors.ts';
import { addEnds, type ChunksToPublish, type Published, type PublishedChunk } from '../model/published.ts';
import { MAX_REASONS_OF_STEP, ReasonTally } from '../model/reasons.ts';
import type { Chunk, Offset } from '../model/references.ts';
import type { ActivityDeps } from './deps.ts';
import { MessageBuilder } from '../steps/publish/message-builder.ts';
import { quarantineRefused, type RefusedRecord } from '../steps/publish/refused-records.ts';
import type { RunContext } from '../steps/run-context.ts';
import { currentRun } from './run-context.ts';

/** The input of `publish`. */
export interface PublishRequest extends ChunksToPublish {
  readonly source: string;
  readonly topic: string;
  /** The UTC day that names the partition of refused records, as 2026-01-31. */
  readonly ingestedOn: string;
}

/**
 * Publishes a chunk in one Kafka transaction, exactly once, then each of `more` likewise. If one of `more` fails, returns
 * what was published; the caller continues with the failed chunk. Records too large for the topic are quarantined first.
 * Only chunks that this run fetched are accepted.
 * @throws {PipelineError} INPUT_INVALID, STAGING_LOST, KAFKA_UNREACHABLE, KAFKA_REFUSED, an error of HDFS
 */
export function createPublish(deps: ActivityDeps) {
  const publishers = new IdlePublishers(deps.kafka, deps.settings.kafka);
  return async function publish({ chunk: first, more = [], ...common }: PublishRequest): Promise<Published> {
    const run = currentRun();
    const chunks = [first, ...more];
    const published: PublishedChunk[] = [];
    const ends: Record<number, Offset> = {};
    let seconds = 0;
    try {
      await publishers.use(common.topic, async (publisher) => {
        const work = (chunk: Chunk, before: Promise<unknown>): ReturnType<typeof publishChunk> =>
          publishChunk(deps, run, publisher, { ...common, chunk, before });
        for await (const { ends: chunkEnds, ...done } of prefetch(chunks, work)) {
          const elapsed = run.seconds();
          addEnds(ends, chunkEnds);
          published.push({ ...done, seconds: elapsed - seconds });
          seconds = elapsed;
        }
      });
    } catch (error) {
      if (published.length === 0) throw error;
      const failed = { chunk: chunks[published.length]?.id, error: messageOf(error) };
      deps.logger.warn(failed, 'a chunk was not published and will be retried');
    }
    const [result, ...others] = published;
    if (result === undefined) throw new TypeError(`the chunk ${first.id} was neither published nor refused`);
    return { ...result, ends, ...(others.length === 0 ? {} : { more: others }) };
  };
}

interface ChunkRequest extends Omit<PublishRequest, 'more'> {
  /** Awaited before any message of the chunk is sent. */
  readonly before: Promise<unknown>;
}

async function publishChunk(
  deps: ActivityDeps,
  run: RunContext,
  publisher: Publisher,
  request: ChunkRequest,
): Promise<Omit<PublishedChunk, 'seconds'> & Pick<Published, 'ends'>> {
  const { chunk, source, topic, before } = request;
  const own = RunStaging.of(deps.staging, run.execution);
  await own.requireReceipt(chunk.path, { source, topic, chunk });
  const limits = { recordBytes: deps.settings.limits.recordBytes, maxBytes: publisher.maxBytes };
  const builder = new MessageBuilder(source, chunk.id, limits);
  const file = await own.locate(chunk.path);
  const refused = builder.fitsAll(chunk) ? [] : await readRefused(file, builder);
  if (refused.length > 0) await quarantineRefused({ ...deps, own }, run, request, refused);
  const set = { id: chunk.id, messages: buildMessages(file, builder, run) };
  const { ends } = await publisher.publishOnce(set, before);
  const reasons = new ReasonTally();
  for (const { reason } of refused) reasons.add('publish', { path: '', reason });
  return { ends, refused: refused.length, reasons: reasons.top(MAX_REASONS_OF_STEP) };
}

async function readRefused(file: string, builder: MessageBuilder): Promise<RefusedRecord[]> {
  const refused: RefusedRecord[] = [];
  let position = 0;
  for await (const frames of readFrames(file)) {
    for (const record of frames) {
      const reason = builder.refusalOf(record);
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
      .filter((record) => builder.refusalOf(record) === undefined)
      .map((record) => builder.messageOf(record));
  }
}
