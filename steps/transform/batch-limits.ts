import { readMarkers } from '../../adapters/kafka/marker-log.ts';
import { isMarked, type Marker, type MessagePosition } from '../../adapters/kafka/markers.ts';
import type { KafkaWithMarkers } from '../../adapters/kafka/client.ts';
import { firstHeaderValue, lastHeaderValue } from '../../adapters/kafka/message-headers.ts';
import { parseChunkId, replaySet } from '../../model/identity.ts';
import { MAX_REASONS_OF_STEP, type ReasonCounts } from '../../model/reasons.ts';
import { CHUNK_HEADER, REPLAY_HEADER } from '../../model/references.ts';
import type { Settings } from '../../model/settings.ts';
import type { ContractFault } from '../../records/check.ts';
import { CheckedRecords, requireWithinLimit } from './quarantine-limit.ts';

/** Counts of checked messages. */
interface CheckedCounts {
  readonly records: number;
  readonly bad: number;
  readonly reasons: ReasonCounts;
}

/** Messages of one producer in one partition whose headers name the same chunk or replay. */
interface ClaimedCounts extends CheckedCounts {
  /** The chunk or replay that the headers name. */
  readonly set: string;
  readonly first: MessagePosition;
  readonly last: MessagePosition;
}

/** The checked messages of a source that has a quarantine limit. */
export interface CheckedSource {
  readonly source: string;
  readonly limit: number;
  readonly others: CheckedCounts;
  readonly claimed: readonly ClaimedCounts[];
}

/** Claims counted separately per source and batch; any producer can set headers, so they are bounded. */
const MAX_CLAIMS = 1_000;

/** Matches the references of messages and refused records for which a marker can exist in Kafka. */
const REFERENCE = /^[A-Za-z0-9._:/-]{1,400}$/;

interface Claim {
  readonly set: string;
  readonly first: MessagePosition;
  last: MessagePosition;
  readonly checked: CheckedRecords;
}

class SourceLimit {
  readonly limit: number;
  readonly others = new CheckedRecords();
  readonly claims = new Map<string, Claim>();

  constructor(limit: number) {
    this.limit = limit;
  }

  checkedFor(set: string | undefined, { partition, offset, producerId }: MessagePosition): CheckedRecords {
    // Runs publish in transactions, with a producer id.
    if (set === undefined || producerId === undefined) return this.others;
    const key = `${partition} ${producerId} ${set}`;
    const position = { partition, offset, producerId };
    const known = this.claims.get(key);
    if (known !== undefined) {
      known.last = position;
      return known.checked;
    }
    if (this.claims.size >= MAX_CLAIMS) return this.others;
    const claim = { set, first: position, last: position, checked: new CheckedRecords() };
    this.claims.set(key, claim);
    return claim.checked;
  }
}

/**
 * Checks a batch against the quarantine limits of its sources. Only messages of other producers count: runs check what
 * they fetch before they publish it, and replays are a person's choice. Any producer can set the headers that mark a
 * message as one of these, so they are trusted only if a marker in Kafka confirms them.
 */
export class BatchLimits {
  readonly #sources = new Map<string, SourceLimit>();
  #last: { readonly headers: string; readonly set: string | undefined } = { headers: '', set: undefined };

  constructor({ sources }: Pick<Settings, 'sources'>) {
    for (const [source, { quarantineLimit: limit }] of Object.entries(sources))
      if (limit !== undefined) this.#sources.set(source, new SourceLimit(limit));
  }

  /** Counts a message of a source. Call in offset order within a partition. */
  add(
    source: string,
    message: MessagePosition & { readonly headers: string },
    fault: ContractFault | undefined,
  ): void {
    this.#sources.get(source)?.checkedFor(this.#setOf(message.headers), message).add('transform', fault);
  }

  /** Returns the counts, for {@link requireWithinLimits}. */
  checked(): CheckedSource[] {
    return [...this.#sources].map(([source, { limit, others, claims }]) => ({
      source,
      limit,
      others: countsOf(others),
      claimed: [...claims.values()].map(({ set, first, last, checked }) => ({
        set,
        first,
        last,
        ...countsOf(checked),
      })),
    }));
  }

  /** Cached, since most messages have the headers of the previous one. */
  #setOf(headers: string): string | undefined {
    if (headers !== this.#last.headers) this.#last = { headers, set: claimedSet(headers) };
    return this.#last.set;
  }
}

/**
 * Makes sure that the share of invalid messages of other producers does not exceed each source's limit. Reads markers
 * from Kafka only if a message is invalid.
 * @throws {PipelineError} QUARANTINE_LIMIT, KAFKA_UNREACHABLE, KAFKA_REFUSED
 */
export async function requireWithinLimits(
  kafka: KafkaWithMarkers,
  topic: string,
  sources: readonly CheckedSource[],
): Promise<void> {
  for (const { source, limit, others, claimed } of sources) {
    if (others.bad === 0 && claimed.every(({ bad }) => bad === 0)) continue;
    const sets = new Set(claimed.map(({ set }) => set));
    const markers = await readMarkers(kafka, topic, [...sets]);
    const checked = new CheckedRecords();
    const unproven = claimed.filter(({ set, first, last }) => !areMarked(markers.get(set), first, last));
    for (const counts of [others, ...unproven]) {
      checked.records += counts.records;
      checked.bad += counts.bad;
      checked.reasons.addAll(counts.reasons);
    }
    requireWithinLimit(`source ${source}, as others published it`, limit, checked);
  }
}

function areMarked(marker: Marker | undefined, first: MessagePosition, last: MessagePosition): boolean {
  return isMarked(marker, first) && isMarked(marker, last);
}

function countsOf({ records, bad, reasons }: CheckedRecords): CheckedCounts {
  return { records, bad, reasons: reasons.top(MAX_REASONS_OF_STEP) };
}

/** Returns the chunk or replay that headers name; undefined if there is none or its name is invalid. */
function claimedSet(headers: string): string | undefined {
  const replayOf = lastHeaderValue(headers, REPLAY_HEADER);
  if (replayOf !== undefined) return REFERENCE.test(replayOf) ? replaySet(replayOf) : undefined;
  const chunk = firstHeaderValue(headers, CHUNK_HEADER);
  return chunk === undefined || parseChunkId(chunk) === undefined ? undefined : chunk;
}
