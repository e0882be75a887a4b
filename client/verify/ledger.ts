import type { AuditedRow } from '../../adapters/auditor/auditor.ts';
import { PipelineError } from '../../model/errors.ts';
import { OffsetSet } from './offset-set.ts';

/** The columns that tell where a row's message stands. */
export const LEDGER_COLUMNS = ['kafka_topic', 'kafka_partition', 'kafka_offset'] as const;

/** The messages of one partition that have a row. */
export interface PartitionRows {
  deliveries: number;
  quarantine: number;
  readonly offsets: OffsetSet;
  /** Those that have more than one. */
  readonly twice: OffsetSet;
}

/** The tables in which each message has its one row. */
export type LedgerTable = 'deliveries' | 'quarantine';

/** Which messages the tables hold, by the rows that were read back. */
export class Ledger {
  readonly #topics = new Map<string, Map<number, PartitionRows>>();
  readonly #refused = new Map<string, number>();

  /** @throws {PipelineError} HDFS_DAMAGED for a row that names no offset. */
  take(table: LedgerTable, rows: readonly AuditedRow[]): void {
    for (const row of rows) this.#takeOne(table, row);
  }

  /** The topics that have rows, each with its partitions. */
  get topics(): ReadonlyMap<string, ReadonlyMap<number, PartitionRows>> {
    return this.#topics;
  }

  /** How many records for a topic were refused at publish: they are in quarantine, and never were messages. */
  refusedOf(topic: string): number {
    return this.#refused.get(topic) ?? 0;
  }

  #takeOne(table: LedgerTable, row: AuditedRow): void {
    const topic = String(row['kafka_topic']);
    const isRefused = (row['kafka_partition'] ?? row['kafka_offset'] ?? null) === null;
    if (isRefused && table === 'quarantine') {
      this.#refused.set(topic, this.refusedOf(topic) + 1);
      return;
    }
    const rows = this.#rowsOf(topic, wholeNumber(row, 'kafka_partition'));
    const offset = wholeNumber(row, 'kafka_offset');
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

/** A partition without a row. */
export function noRows(): PartitionRows {
  return { deliveries: 0, quarantine: 0, offsets: new OffsetSet(), twice: new OffsetSet() };
}

function wholeNumber(row: AuditedRow, column: (typeof LEDGER_COLUMNS)[number]): number {
  const value = row[column];
  const number = value === undefined || value === null ? NaN : Number(value);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new PipelineError('HDFS_DAMAGED', `a row has ${JSON.stringify(String(value))} as its ${column}`);
}
