import type { DuckDBConnection, Json } from '@duckdb/node-api';
import { sizeRefusal } from '../../steps/publish/message-builder.ts';
import { BatchRows } from '../../steps/transform/batch-rows.ts';
import { sqlName, withDuckDb } from '../../adapters/duckdb/database.ts';
import { serializeHeaders } from '../../adapters/kafka/message-headers.ts';
import type { StagedMessage } from '../../adapters/staging/staged-messages.ts';
import { MAX_NAMED_FIELDS, type FieldCounts } from '../../model/field-counts.ts';
import { ReasonTally, type ReasonCounts } from '../../model/reasons.ts';
import { SOURCE_HEADER } from '../../model/references.ts';
import { sourceOf, type Settings } from '../../model/settings.ts';
import { BATCH_TABLES, quarantine } from '../../tables/index.ts';
import { MESSAGE_COLUMNS, duckDbType, type Table } from '../../tables/table.ts';
import { userOf } from '../../records/user.ts';
import { toJson } from '../query/values.ts';

/** The rows and faults that a run would make of a sample. */
export interface SampleReport {
  readonly landed: number;
  readonly quarantined: number;
  readonly reasons: ReasonCounts;
  /** The indexes, from 0, of the first records that would be quarantined. */
  readonly bad: readonly number[];
  /** Fields that the contract does not know. */
  readonly unknown: FieldCounts;
  readonly tables: readonly PreviewedTable[];
}

/** The rows that a table would get. */
export interface PreviewedTable {
  readonly table: string;
  readonly rows: number;
  /** Without the columns whose values are known only after publishing. */
  readonly columns: readonly PreviewedColumn[];
}

/** A column of a previewed table. */
export interface PreviewedColumn {
  readonly name: string;
  readonly type: string;
  /** The number of rows with a value. */
  readonly values: number;
  /** The first value; null if there is none. */
  readonly example: Json;
}

const MAX_REASONS = 20;
const MAX_BAD = 5;

/** Columns whose values are known only after publishing. */
const PUBLISH_COLUMNS = new Set([...MESSAGE_COLUMNS.map(({ name }) => name), 'headers']);

/** Transforms records in memory with the code that a run uses. */
export async function checkSample(
  settings: Settings,
  source: string,
  records: readonly Buffer[],
): Promise<SampleReport> {
  const options = { threads: settings.worker.threads, memoryLimit: '1GB', temporaryFolder: '' };
  return withDuckDb(options, async (connection) => {
    const { topic } = sourceOf(settings, source);
    const rows = await BatchRows.create(connection, { settings, topic, messages: records.length });
    const reasons = new ReasonTally();
    const tooLarge: number[] = [];
    const headers = serializeHeaders([[SOURCE_HEADER, Buffer.from(source)]]);
    const timestampMs = Date.now();
    const messages: StagedMessage[] = [];
    for (const [index, record] of records.entries()) {
      const reason = sizeRefusal(record, settings.limits.recordBytes);
      if (reason !== undefined) {
        reasons.add('publish', { path: '', reason });
        tooLarge.push(index);
        continue;
      }
      const key = userOf(record);
      messages.push({
        partition: 0,
        offset: BigInt(index),
        timestampMs,
        key: key === null ? null : Buffer.from(key),
        headers,
        value: record,
      });
    }
    for (const message of messages) rows.add(message);
    await rows.finish(() => messages);
    reasons.addAll(rows.reasons.top(MAX_REASONS));
    const bad = [...tooLarge, ...(await firstBad(connection))].sort((a, b) => a - b);
    const tables: PreviewedTable[] = [];
    for (const table of BATCH_TABLES)
      if (table !== quarantine) tables.push(await previewTable(connection, table));
    return {
      landed: rows.landed,
      quarantined: rows.quarantined + tooLarge.length,
      reasons: reasons.top(MAX_REASONS),
      bad: bad.slice(0, MAX_BAD),
      unknown: rows.unknown.top(MAX_NAMED_FIELDS),
      tables,
    };
  });
}

async function firstBad(connection: DuckDBConnection): Promise<number[]> {
  const read = await connection.runAndReadAll(
    `SELECT kafka_offset FROM quarantine ORDER BY kafka_offset LIMIT ${MAX_BAD}`,
  );
  return read.getRows().map(([offset]) => Number(offset));
}

async function previewTable(connection: DuckDBConnection, table: Table): Promise<PreviewedTable> {
  const columns = table.columns.filter(({ name }) => !PUBLISH_COLUMNS.has(name));
  const expressions = columns.flatMap(({ name, type }) => {
    const column = `${sqlName(name)}::${duckDbType(type)}`;
    return [`count(${column})`, `first(${column}) FILTER (${column} IS NOT NULL)`];
  });
  const read = await connection.runAndReadAll(
    `SELECT count(*), ${expressions.join(', ')} FROM (${table.select})`,
  );
  const [rows = 0, ...found] = read.convertRows(toJson)[0] ?? [];
  return {
    table: table.name,
    rows: Number(rows),
    columns: columns.map(({ name, type }, index) => ({
      name,
      type,
      values: Number(found[2 * index]),
      example: found[2 * index + 1] ?? null,
    })),
  };
}
