import { rebuildAdvice } from '../../steps/landing/rebuild-advice.ts';
import { deliveries } from '../../tables/index.ts';
import type { VerifyFinding, FindingCode, Note } from './findings.ts';
import type { PartitionRows } from './ledger.ts';
import { clipSpans, countOffsets, formatSpans, type OffsetSet, type OffsetSpan } from './offset-set.ts';

/** The data that is compared for one partition. */
export interface PartitionEvidence {
  readonly topic: string;
  readonly partition: number;
  /** Undefined if the partition does not exist. */
  readonly kafka: KafkaEvidence | undefined;
  /** The landed offset (exclusive) by table; undefined if nothing has landed. */
  readonly positions: ReadonlyMap<string, number | undefined>;
  readonly rows: PartitionRows;
  /** Offsets that a person let a run skip. */
  readonly skipped: OffsetSet;
  /** Offsets of erased messages. */
  readonly erased: OffsetSet;
  /** The start of the first batch in the log; undefined if the log no longer has it. */
  readonly firstStart: number | undefined;
  /** The offset from which the partition is verified; undefined for its first known one. */
  readonly provedTo: number | undefined;
}

/** The state of a partition in Kafka. */
export interface KafkaEvidence {
  readonly earliest: number;
  /** The last stable offset. */
  readonly end: number;
  /** The committed messages from `earliest` to the tables' offset (exclusive). */
  readonly committed: OffsetSet;
}

/** The counts of a partition. `consumed` is the sum of the next six, unless there are findings. */
export interface PartitionReport {
  readonly topic: string;
  readonly partition: number;
  /** The landed offsets: [from, to). */
  readonly from: number;
  readonly to: number;
  readonly consumed: number;
  readonly deliveries: number;
  readonly quarantined: number;
  /** Offsets without a message: transaction markers and aborted messages. */
  readonly gaps: number;
  /** Messages that a person let a run skip. */
  readonly skipped: number;
  /** Messages of erased persons that Kafka still has. */
  readonly erased: number;
  /** Offsets without a row that Kafka has deleted, so that they cannot be checked. */
  readonly gone: number;
  /** Offsets in Kafka that have not been consumed yet (lag). */
  readonly behind: number;
}

/** The result of {@link checkPartition}. */
export interface PartitionVerdict {
  readonly report: PartitionReport;
  readonly findings: readonly VerifyFinding[];
  readonly notes: readonly Note[];
}

/** Compares the rows of a partition with Kafka and the tables' logs. */
export function checkPartition(evidence: PartitionEvidence): PartitionVerdict {
  const { topic, partition, kafka, rows, positions } = evidence;
  const where = `${topic}/${partition}`;
  const position = positions.get(deliveries.name);
  const held = heldSpan(evidence, position);
  const differences = compare(evidence, held);
  const found = (code: FindingCode, message: string): VerifyFinding => ({ code, where, message });
  const offsets = (code: FindingCode, spans: readonly OffsetSpan[], what: string): VerifyFinding[] =>
    spans.length === 0 ? [] : [found(code, `${countOffsets(spans)} ${what}: ${formatSpans(spans)}`)];
  const findings = [
    ...disagreements(positions).map((message) => found('TABLES_DISAGREE', message)),
    ...(kafka === undefined || position === undefined
      ? []
      : checkPosition(kafka, position).map(([code, message]) => found(code, message))),
    ...offsets('MESSAGE_NOT_LANDED', differences.missing, 'messages of Kafka have no row, at the offsets'),
    ...offsets('MESSAGE_TWICE', rows.twice.without(), 'messages have more than one row, at the offsets'),
    ...offsets('ROW_WITHOUT_MESSAGE', differences.unknown, 'rows have no message in Kafka, at the offsets'),
    ...offsets(
      'ROW_PAST_LOG',
      differences.past,
      'rows are past the landed offset of the log, at the offsets',
    ),
  ];
  const report = reportOf(evidence, held, differences);
  const gone = { start: held.start, end: Math.min(held.end, kafka?.earliest ?? held.end) };
  const notes =
    gone.start < gone.end ? [{ where, message: goneMessage(gone, countOffsets(differences.below)) }] : [];
  return { report, findings, notes };
}

/** The differences between the rows of a partition and its messages in Kafka. */
interface Comparison {
  /** Messages without a row, unless a person let a run skip them, or their person was erased. */
  readonly missing: readonly OffsetSpan[];
  /** The number of messages without a row that a person let a run skip. */
  readonly skipped: number;
  /** The number of erased messages without a row. */
  readonly erased: number;
  readonly unknown: readonly OffsetSpan[];
  readonly past: readonly OffsetSpan[];
  /** Rows whose messages Kafka has deleted. */
  readonly below: readonly OffsetSpan[];
}

function compare({ kafka, rows, skipped, erased }: PartitionEvidence, held: OffsetSpan): Comparison {
  const landed = rows.offsets.without();
  const past = clipSpans(landed, held.end, Infinity);
  if (kafka === undefined) {
    return {
      missing: [],
      skipped: 0,
      erased: 0,
      unknown: [],
      past,
      below: clipSpans(landed, held.start, held.end),
    };
  }
  const { committed, earliest, end } = kafka;
  const missing = committed.without(rows.offsets, erased, skipped);
  const unskipped = countOffsets(committed.without(rows.offsets, skipped));
  return {
    missing,
    skipped: countOffsets(committed.without(rows.offsets)) - unskipped,
    erased: unskipped - countOffsets(missing),
    unknown: clipSpans(rows.offsets.without(committed), earliest, Math.min(held.end, end)),
    past,
    below: clipSpans(landed, held.start, Math.min(held.end, earliest)),
  };
}

/**
 * Returns the landed span: from the proved offset, or else the smallest known one (consumed, in Kafka or in a row), to the
 * landed offset.
 */
function heldSpan(
  { kafka, rows, firstStart, provedTo }: PartitionEvidence,
  position: number | undefined,
): OffsetSpan {
  if (position === undefined) return { start: 0, end: 0 };
  if (provedTo !== undefined) return { start: Math.min(provedTo, position), end: position };
  const starts = [firstStart, kafka?.earliest, rows.offsets.without()[0]?.start, position];
  return { start: Math.min(...starts.filter((start) => start !== undefined)), end: position };
}

function disagreements(positions: PartitionEvidence['positions']): string[] {
  const position = positions.get(deliveries.name);
  return [...positions]
    .filter(([, other]) => other !== position)
    .map(
      ([table, other]) =>
        `${table} holds offsets up to ${other ?? 'none'}, but ${deliveries.name} up to ${position ?? 'none'}: ` +
        `a batch landed in part or the table was restored, and the next run completes it; or a log was changed` +
        ((other ?? -1) < (position ?? -1) ? rebuildAdvice(table) : ''),
    );
}

function checkPosition({ earliest, end }: KafkaEvidence, position: number): [FindingCode, string][] {
  if (position > end)
    return [['TOPIC_RESET', `the tables hold offsets up to ${position}, but the topic ends at ${end}`]];
  if (position < earliest) {
    const lost = formatSpans([{ start: position, end: earliest }]);
    return [['MESSAGE_LOST', `Kafka deleted offsets before they landed: ${lost}`]];
  }
  return [];
}

function reportOf(
  { topic, partition, kafka, rows }: PartitionEvidence,
  held: OffsetSpan,
  differences: Comparison,
): PartitionReport {
  const earliest = kafka?.earliest ?? held.end;
  const end = kafka?.end ?? held.end;
  const readFrom = Math.max(held.start, earliest);
  const readTo = Math.min(held.end, end);
  const belowEnd = Math.min(held.end, earliest);
  return {
    topic,
    partition,
    from: held.start,
    to: held.end,
    consumed: held.end - held.start,
    deliveries: rows.deliveries,
    quarantined: rows.quarantine,
    gaps: Math.max(0, readTo - readFrom) - (kafka?.committed.size ?? 0),
    skipped: differences.skipped,
    erased: differences.erased,
    gone: Math.max(0, belowEnd - held.start) - countOffsets(differences.below),
    behind: Math.max(0, end - Math.max(held.end, earliest)),
  };
}

function goneMessage(span: OffsetSpan, rows: number): string {
  return (
    `Kafka no longer has the offsets ${formatSpans([span])}; ` +
    `their ${rows} rows were compared with each other and the log alone`
  );
}
