import { readFrames } from '../adapters/frames.ts';
import { IdlePublishers } from '../adapters/idle-publishers.ts';
import type { OutgoingMessage } from '../adapters/outgoing-message.ts';
import type { Chunk, PartitionEnds } from '../model/references.ts';
import { MOST_OF_A_STEP, ReasonTally, type ReasonCounts } from '../model/reasons.ts';
import type { ActivityDeps } from './deps.ts';
import { Outgoing } from './outgoing.ts';
import { quarantineRefused, type RefusedRecord } from './refused-records.ts';
import { currentRun, type RunContext } from './run-context.ts';

/** What `publish` is asked for. */
export interface PublishRequest {
  readonly source: string;
  readonly topic: string;
  readonly chunk: Chunk;
  /** The UTC day that names the partition of refused records, as 2026-01-31. */
  readonly ingestedOn: string;
}

/** Where a chunk stands in its topic. */
export interface Published {
  /** For each partition that got a message, the offset after the chunk's last one. */
  readonly ends: PartitionEnds;
  /** Records that Kafka cannot take, now in quarantine. */
  readonly refused: number;
  /** Why; runs that began long ago may have chunks that do not say. */
  readonly reasons?: ReasonCounts;
  readonly seconds: number;
}

/**
 * Publishes a chunk in one Kafka transaction, once, however often it is tried and by whomever.
 * Records that Kafka cannot take go into quarantine first.
 * @throws {PipelineError} STAGING_LOST, KAFKA_UNREACHABLE, KAFKA_REFUSED, an error of HDFS
 */
export function createPublish(deps: ActivityDeps) {
  const { settings, kafka, staging } = deps;
  const publishers = new IdlePublishers(kafka, settings.kafka);
  return async function publish(request: PublishRequest): Promise<Published> {
    const { chunk, topic } = request;
    const run = currentRun();
    return publishers.use(topic, async (publisher) => {
      const limits = { recordBytes: settings.limits.recordBytes, maxBytes: publisher.maxBytes };
      const outgoing = new Outgoing(request.source, chunk.id, limits);
      const file = staging.resolve(chunk.path);
      const refused = outgoing.takesAll(chunk) ? [] : await findRefused(file, outgoing);
      if (refused.length > 0) await quarantineRefused(deps, run, request, refused);
      const { ends } = await publisher.publishOnce({
        id: chunk.id,
        messages: messagesOf(file, outgoing, run),
      });
      const reasons = new ReasonTally();
      for (const { reason } of refused) reasons.add('publish', { path: '', reason });
      return { ends, refused: refused.length, reasons: reasons.top(MOST_OF_A_STEP), seconds: run.seconds() };
    });
  };
}

async function findRefused(file: string, outgoing: Outgoing): Promise<RefusedRecord[]> {
  const refused: RefusedRecord[] = [];
  let position = 0;
  for await (const frames of readFrames(file)) {
    for (const record of frames) {
      const reason = outgoing.refusalOf(record);
      if (reason !== undefined) refused.push({ position, reason, payload: Buffer.from(record) });
      position += 1;
    }
  }
  return refused;
}

async function* messagesOf(
  file: string,
  outgoing: Outgoing,
  run: RunContext,
): AsyncGenerator<OutgoingMessage[]> {
  for await (const frames of readFrames(file)) {
    run.signal.throwIfAborted();
    yield frames
      .filter((record) => outgoing.refusalOf(record) === undefined)
      .map((record) => outgoing.messageOf(record));
  }
}
