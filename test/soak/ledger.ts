import { createHash } from 'node:crypto';
import { topicOffsets } from '../../adapters/kafka/client.ts';
import { readRanges } from '../../adapters/kafka/read.ts';
import type { TestPipeline } from '../support/harness.ts';

/** A record as it is sent. */
export interface SentRecord {
  readonly bytes: Buffer;
  /** Whether it must be quarantined. */
  readonly malformed: boolean;
}

/** Bounds of how often a record was sent; they differ only where a producer got no response. */
export interface Times {
  readonly min: number;
  readonly max: number;
}

/** Comparison of the records sent with Kafka and the tables. */
export interface Balance {
  /** Committed messages in Kafka. */
  readonly recordsIn: number;
  readonly landed: number;
  readonly quarantined: number;
  readonly lost: number;
  readonly doubled: number;
  /** Records of transactions that did not commit. */
  readonly aborted: number;
  /** The first few mismatches, with their counts. */
  readonly examples: readonly string[];
}

interface Entry {
  readonly records: readonly { readonly id: string; readonly malformed: boolean }[];
  readonly times: () => Times;
}

type Counts = Map<string, number>;

const MAX_EXAMPLES = 10;

/** All records that were sent, by any producer, recorded independently of the pipeline. */
export class SentLedger {
  readonly #entries: Entry[] = [];

  /** @param times Evaluated at the end. */
  add(records: readonly SentRecord[], times: () => Times): void {
    this.#entries.push({
      times,
      records: records.map(({ bytes, malformed }) => ({ id: idOf(bytes), malformed })),
    });
  }

  /** Compares the records sent with the messages in Kafka, and these with the tables. */
  async compare(pipeline: TestPipeline, topics: readonly string[]): Promise<Balance> {
    const { due, malformed, aborted } = this.#due();
    const held = await heldBy(pipeline, topics);
    const deliveries = await idsOf(pipeline, 'deliveries');
    const quarantine = await idsOf(pipeline, 'quarantine');
    const sum = { recordsIn: 0, lost: 0, doubled: 0 };
    const examples: string[] = [];
    for (const id of new Set([...due.keys(), ...held.keys(), ...deliveries.keys(), ...quarantine.keys()])) {
      const { min, max } = due.get(id) ?? { min: 0, max: 0 };
      const inKafka = held.get(id) ?? 0;
      const [right, wrong] = malformed.has(id) ? [quarantine, deliveries] : [deliveries, quarantine];
      const inTables = right.get(id) ?? 0;
      const misplaced = wrong.get(id) ?? 0;
      const lost = Math.max(0, min - inKafka) + Math.max(0, inKafka - inTables);
      const doubled = Math.max(0, inKafka - max) + Math.max(0, inTables - inKafka) + misplaced;
      sum.recordsIn += inKafka;
      sum.lost += lost;
      sum.doubled += doubled;
      if (lost + doubled > 0 && examples.length < MAX_EXAMPLES)
        examples.push(
          `record ${id}: sent ${min} to ${max} times, in Kafka ${inKafka}, in its table ${inTables}, in the other ${misplaced}`,
        );
    }
    return { ...sum, aborted, landed: total(deliveries), quarantined: total(quarantine), examples };
  }

  #due(): { due: Map<string, Times>; malformed: Set<string>; aborted: number } {
    const due = new Map<string, Times>();
    const malformed = new Set<string>();
    let aborted = 0;
    for (const { records, times } of this.#entries) {
      const { min, max } = times();
      if (max === 0) aborted += records.length;
      for (const { id, malformed: isMalformed } of records) {
        const before = due.get(id) ?? { min: 0, max: 0 };
        due.set(id, { min: before.min + min, max: before.max + max });
        if (isMalformed) malformed.add(id);
      }
    }
    return { due, malformed, aborted };
  }
}

function idOf(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}

function total(counts: Counts): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

async function heldBy(pipeline: TestPipeline, topics: readonly string[]): Promise<Counts> {
  const counts: Counts = new Map();
  for (const topic of topics) {
    for (const { partition, earliest, end } of await topicOffsets(pipeline.kafka, topic)) {
      if (earliest === end) continue;
      await readRanges(
        pipeline.kafka,
        { topic, ranges: [{ partition, start: earliest, end }] },
        {
          onMessages: (_, messages) => {
            for (const { value } of messages) {
              const id = idOf(value ?? Buffer.alloc(0));
              counts.set(id, (counts.get(id) ?? 0) + 1);
            }
            return Promise.resolve();
          },
          isFull: () => false,
          idleTimeoutMs: 20_000,
          signal: new AbortController().signal,
        },
      );
    }
  }
  return counts;
}

async function idsOf(pipeline: TestPipeline, table: 'deliveries' | 'quarantine'): Promise<Counts> {
  const sql = `SELECT md5(payload) AS id, count(*)::INTEGER AS times FROM ${table} GROUP BY ALL`;
  const { code, stdout, stderr } = await pipeline.command('query', '--json', sql);
  if (code !== 0) throw new Error(`${table} cannot be read: ${stderr}`);
  const rows = JSON.parse(stdout) as { id: string; times: number }[];
  return new Map(rows.map(({ id, times }) => [id, times]));
}
