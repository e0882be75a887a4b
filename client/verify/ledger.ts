import type { AuditedRow } from '../../adapters/auditor/auditor.ts';
import { PipelineError } from '../../model/errors.ts';
import { partitionAppId } from '../../steps/landing/transaction-ids.ts';
import { OffsetSet } from './offset-set.ts';

/** The columns with the position of a row's message in Kafka. */
export const LEDGER_COLUMNS = ['kafka_topic', 'kafka_partition', 'kafka_offset'] as const;

/** The messages of one partition that have a row. */
export interface PartitionRows {
  deliveries: number;
  quarantine: number;
  readonly offsets: OffsetSet;
  /** The offsets with more than one row. */
  readonly twice: OffsetSet;
}

/** The tables in which every message has exactly one row. */
export type LedgerTable = 'deliveries' | 'quarantine';

/** The messages that have rows, collected from the files that were read back. */
export class Ledger {
  readonly #topics = new Map<string, Map<number, PartitionRows>>();
  readonly #refused = new Map<string, number>();
  readonly #provedTo: ReadonlyMap<string, number>;

  /** @param provedTo The offset, by `topic/partition`, before which each message is known to have its row. */
  constructor(provedTo: ReadonlyMap<string, number> = new Map()) {
    this.#provedTo = provedTo;
  }

  /**
   * Adds rows of a file.
   * @param isRewrite Whether the file replaced others, so that its rows can be among those known before.
   * @throws {PipelineError} HDFS_DAMAGED for a row without an offset.
   */
  take(table: LedgerTable, rows: readonly AuditedRow[], isRewrite = false): void {
    for (const row of rows) this.#addRow(table, row, isRewrite);
  }

  /** The rows by topic and partition. */
  get topics(): ReadonlyMap<string, ReadonlyMap<number, PartitionRows>> {
    return this.#topics;
  }

  /** Returns the number of a topic's records that were quarantined before publishing, so they never were messages. */
  refusedOf(topic: string): number {
    return this.#refused.get(topic) ?? 0;
  }

  #addRow(table: LedgerTable, row: AuditedRow, isRewrite: boolean): void {
    const topic = String(row['kafka_topic']);
    const isRefused = (row['kafka_partition'] ?? row['kafka_offset'] ?? null) === null;
    if (isRefused && table === 'quarantine') {
      if (!isRewrite) this.#refused.set(topic, this.refusedOf(topic) + 1);
      return;
    }
    const partition = wholeNumber(row, 'kafka_partition');
    const offset = wholeNumber(row, 'kafka_offset');
    const isProved = offset < (this.#provedTo.get(partitionAppId(topic, partition)) ?? 0);
    if (isProved && isRewrite) return;
    const rows = this.#rowsOf(topic, partition);
    if (isProved) {
      rows.twice.add(offset);
      return;
    }
    rows[table] += 1;
    if (!rows.offsets.add(offset)) rows.twice.add(offset);
  }

  #rowsOf(topic: string, partition: number): PartitionRows {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, (partitions = new Map<number, PartitionRows>()));
    let rows = partitions.get(partition);
    if (rows === undefined) partitions.set(partition, (rows = noRows()));
    return rows;
  }
}

/** Returns an empty {@link PartitionRows}. */
export function noRows(): PartitionRows {
  return { deliveries: 0, quarantine: 0, offsets: new OffsetSet(), twice: new OffsetSet() };
}

function wholeNumber(row: AuditedRow, column: (typeof LEDGER_COLUMNS)[number]): number {
  const value = row[column];
  const number = value === undefined || value === null ? NaN : Number(value);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new PipelineError('HDFS_DAMAGED', `a row has ${JSON.stringify(String(value))} as its ${column}`);
}
