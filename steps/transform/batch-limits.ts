import { isMarked, readMarkers, type Marker, type MessagePosition } from '../../adapters/kafka/markers.ts';
import type { KafkaOptions } from '../../adapters/kafka/client.ts';
import { firstHeaderValue, lastHeaderValue } from '../../adapters/kafka/message-headers.ts';
import { parseChunkId, replaySet } from '../../model/identity.ts';
import { MAX_REASONS_OF_STEP, type ReasonCounts } from '../../model/reasons.ts';
import { CHUNK_HEADER, REPLAY_HEADER } from '../../model/references.ts';
import type { Settings } from '../../model/settings.ts';
import type { Fault } from '../../records/check.ts';
import { CheckedRecords, requireWithinLimit } from './quarantine-limit.ts';

/** How many messages were judged, and how many of them are bad. */
interface JudgedCounts {
  readonly records: number;
  readonly bad: number;
  readonly reasons: ReasonCounts;
}

/** Messages of one producer in one partition whose headers say that they are of one chunk, or of one replay. */
interface ClaimedCounts extends JudgedCounts {
  /** The set of messages that they say to be of: a chunk, or a replay. */
  readonly set: string;
  readonly first: MessagePosition;
  readonly last: MessagePosition;
}

/** The messages of a source that has a quarantine limit, judged. */
export interface CheckedSource {
  readonly source: string;
  readonly limit: number;
  readonly others: JudgedCounts;
  readonly claimed: readonly ClaimedCounts[];
}

/** How many sets of a batch are told apart: headers come from outside, so that there is no end of them. */
const MAX_CLAIMS = 1_000;

/** What names a message or a refused record, as far as Kafka can have a marker of that name. */
const REFERENCE = /^[A-Za-z0-9._:/-]{1,400}$/;

interface Claim {
  readonly set: string;
  readonly first: MessagePosition;
  last: MessagePosition;
  readonly judged: CheckedRecords;
}

class SourceLimit {
  readonly limit: number;
  readonly others = new CheckedRecords();
  readonly claims = new Map<string, Claim>();

  constructor(limit: number) {
    this.limit = limit;
  }

  checkedFor(set: string | undefined, { partition, offset, producerId }: MessagePosition): CheckedRecords {
    // What a run publishes is in a transaction.
    if (set === undefined || producerId === undefined) return this.others;
    const key = `${partition} ${producerId} ${set}`;
    const place = { partition, offset, producerId };
    const known = this.claims.get(key);
    if (known !== undefined) {
      known.last = place;
      return known.judged;
    }
    if (this.claims.size >= MAX_CLAIMS) return this.others;
    const claim = { set, first: place, last: place, judged: new CheckedRecords() };
    this.claims.set(key, claim);
    return claim.judged;
  }
}

/**
 * Holds the messages of a batch against the quarantine limits of their sources: those that others published, since
 * what a run fetched was judged before it was published, and what is replayed a person has chosen. A message's headers
 * say that it is one of these, and anyone who may write to the topic can give it such headers; so they are believed
 * only where the marker in Kafka says the same.
 */
export class BatchLimits {
  readonly #sources = new Map<string, SourceLimit>();
  #last: { readonly headers: string; readonly set: string | undefined } = { headers: '', set: undefined };

  constructor({ sources }: Pick<Settings, 'sources'>) {
    for (const [source, { quarantineLimit: limit }] of Object.entries(sources))
      if (limit !== undefined) this.#sources.set(source, new SourceLimit(limit));
  }

  /** Adds a message, by its source, in the order of its partition's offsets. */
  add(
    source: string,
    message: MessagePosition & { readonly headers: string },
    fault: Fault | undefined,
  ): void {
    this.#sources.get(source)?.checkedFor(this.#setOf(message.headers), message).take('transform', fault);
  }

  /** Returns what was judged, for {@link requireWithinLimits}. */
  checked(): CheckedSource[] {
    return [...this.#sources].map(([source, { limit, others, claims }]) => ({
      source,
      limit,
      others: countsOf(others),
      claimed: [...claims.values()].map(({ set, first, last, judged }) => ({
        set,
        first,
        last,
        ...countsOf(judged),
      })),
    }));
  }

  /** Most messages have the headers of the previous one. */
  #setOf(headers: string): string | undefined {
    if (headers !== this.#last.headers) this.#last = { headers, set: claimedSet(headers) };
    return this.#last.set;
  }
}

/**
 * Makes sure that no larger share of what others published is bad than a source may have. Kafka is asked for markers
 * only where something is bad.
 * @throws {PipelineError} QUARANTINE_LIMIT, KAFKA_UNREACHABLE, KAFKA_REFUSED
 */
export async function requireWithinLimits(
  kafka: KafkaOptions,
  topic: string,
  sources: readonly CheckedSource[],
): Promise<void> {
  for (const { source, limit, others, claimed } of sources) {
    if (others.bad === 0 && claimed.every(({ bad }) => bad === 0)) continue;
    const sets = new Set(claimed.map(({ set }) => set));
    const markers = await readMarkers(kafka, topic, [...sets]);
    const judged = new CheckedRecords();
    const unproven = claimed.filter(({ set, first, last }) => !areMarked(markers.get(set), first, last));
    for (const counts of [others, ...unproven]) {
      judged.records += counts.records;
      judged.bad += counts.bad;
      judged.reasons.addAll(counts.reasons);
    }
    requireWithinLimit(`source ${source}, as others published it`, limit, judged);
  }
}

function areMarked(marker: Marker | undefined, first: MessagePosition, last: MessagePosition): boolean {
  return isMarked(marker, first) && isMarked(marker, last);
}

function countsOf({ records, bad, reasons }: CheckedRecords): JudgedCounts {
  return { records, bad, reasons: reasons.top(MAX_REASONS_OF_STEP) };
}

/** The set of messages that headers say a message to be of; undefined where no set can be called so. */
function claimedSet(headers: string): string | undefined {
  const replayOf = lastHeaderValue(headers, REPLAY_HEADER);
  if (replayOf !== undefined) return REFERENCE.test(replayOf) ? replaySet(replayOf) : undefined;
  const chunk = firstHeaderValue(headers, CHUNK_HEADER);
  return chunk === undefined || parseChunkId(chunk) === undefined ? undefined : chunk;
}
