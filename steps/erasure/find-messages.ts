import type { DuckDBConnection } from '@duckdb/node-api';
import { asDuckDbError, sqlName, withDuckDb } from '../../adapters/duckdb/database.ts';
import type { FoundMessages } from '../../model/erasure.ts';
import { columnOfField, contracts } from '../../tables/contracts.ts';
import { deliveries, quarantine } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import type { RunContext } from '../run-context.ts';
import { readSql } from '../upkeep/merge-files.ts';
import { eraseInfo, type ErasureDeps } from './deps.ts';
import { erasedOffsetIds, erasedRecordId, type ErasedMessage } from './erased-offsets.ts';
import { ErasedPersons } from './erased-persons.ts';
import { SuppressionList } from './suppression-list.ts';
import { liveFilesOf, remoteFile, withDownloadedFile } from './table-files.ts';

/** The rows of the persons that were found. */
export interface FoundRows {
  readonly messages: Map<string, ErasedMessage>;
  /** Records that were rejected at publish: chunk and position, by both. */
  readonly records: Map<string, { readonly chunk: string; readonly position: string }>;
}

/** The tables whose rows name the person, with SQL of the person's bytes; null where the payload can name it, too. */
const NAMING: readonly { readonly table: Table; readonly person: string | null }[] = [
  { table: deliveries, person: 'key' },
  ...contracts().flatMap(({ root, person }) =>
    person === null ? [] : [{ table: root, person: `encode(${sqlName(columnOfField(root, person))})` }],
  ),
  { table: quarantine, person: null },
];

const MEMORY_LIMIT = '384MB';

/**
 * Finds the messages of the erased persons of a source, and records their positions in the log of `deliveries`: from then
 * on they are erased, whichever attempt goes on. Idempotent.
 * @throws {PipelineError} ERASURE_KEY_MISSING, ERASURE_KEY_CHANGED, STAGING_FULL, TABLE_REWRITTEN, HDFS_DAMAGED
 */
export async function findMessages(
  deps: ErasureDeps,
  run: RunContext,
  source: string,
): Promise<FoundMessages> {
  const suppressed = await new SuppressionList(deps.warehouse).read([source]);
  const persons = new ErasedPersons(deps.settings.erasure, suppressed);
  const found = await scanTables(deps, run, { source, persons });
  const ids = [
    ...erasedOffsetIds(found.messages.values()),
    ...[...found.records.values()].map(({ chunk, position }) => erasedRecordId(chunk, position)),
  ];
  const versions = new Map(ids.map((appId) => [appId, 1n]));
  const table = deps.warehouse.table(deliveries.name);
  await table.raiseVersions(versions, eraseInfo(run, source), run.execution.runId);
  return { messages: found.messages.size, records: found.records.size };
}

/** Reads the tables that name persons, one file at a time. Read-only. */
export async function scanTables(
  deps: Pick<ErasureDeps, 'warehouse' | 'staging' | 'own'>,
  run: RunContext,
  { source, persons }: { readonly source: string; readonly persons: ErasedPersons },
): Promise<FoundRows> {
  const found: FoundRows = { messages: new Map(), records: new Map() };
  for (const { table, person } of NAMING) {
    const deltaTable = deps.warehouse.table(table.name);
    for (const entry of await liveFilesOf(deltaTable, source)) {
      const file = remoteFile(deltaTable, entry);
      await withDownloadedFile(deps, run, { table: deltaTable, file }, (local, folder) =>
        scanFile(folder, async (connection) => {
          const scan = { connection, read: readSql([local]), source, persons, found };
          await (person === null ? scanQuarantine(scan) : scanPersons(scan, person));
        }),
      );
    }
  }
  return found;
}

interface Scan {
  readonly connection: DuckDBConnection;
  /** SQL after FROM. */
  readonly read: string;
  readonly source: string;
  readonly persons: ErasedPersons;
  readonly found: FoundRows;
}

async function scanFile(
  temporaryFolder: string,
  use: (connection: DuckDBConnection) => Promise<void>,
): Promise<void> {
  try {
    await withDuckDb({ threads: 1, memoryLimit: MEMORY_LIMIT, temporaryFolder }, use);
  } catch (thrown) {
    throw asDuckDbError(thrown, 'looking for persons in a data file');
  }
}

/** Hashes each person of a file once, and collects the messages of those that are erased. */
async function scanPersons({ connection, read, source, persons, found }: Scan, sql: string): Promise<void> {
  const distinct = await connection.stream(`SELECT DISTINCT ${sql} FROM ${read}`);
  const erased: Buffer[] = [];
  for await (const rows of distinct.yieldRowsJs())
    for (const [value] of rows) {
      const person = bytesOf(value);
      if (person !== null && persons.hasPerson(source, person)) erased.push(person);
    }
  if (erased.length === 0) return;
  await connection.run('CREATE TABLE persons (person BLOB)');
  const appender = await connection.createAppender('persons');
  for (const person of erased) {
    appender.appendBlob(person);
    appender.endRow();
  }
  appender.closeSync();
  const positions = await connection.stream(
    `SELECT kafka_topic, kafka_partition, kafka_offset FROM ${read} WHERE ${sql} IN (FROM persons)`,
  );
  for await (const rows of positions.yieldRowsJs()) for (const row of rows) addMessage(found, row);
}

/** Reads every row: a message without a key, or a record that was never one, can name the person in its payload. */
async function scanQuarantine({ connection, read, source, persons, found }: Scan): Promise<void> {
  const result = await connection.stream(
    `SELECT kafka_topic, kafka_partition, kafka_offset, chunk, chunk_position::VARCHAR, key, payload FROM ${read}`,
  );
  for await (const rows of result.yieldRowsJs())
    for (const [topic, partition, offset, chunk, position, key, payload] of rows) {
      if (!persons.hasMessage(source, bytesOf(key), bytesOf(payload))) continue;
      if (typeof chunk === 'string' && typeof position === 'string')
        found.records.set(`${chunk}:${position}`, { chunk, position });
      else addMessage(found, [topic, partition, offset]);
    }
}

function addMessage({ messages }: FoundRows, [topic, partition, offset]: readonly unknown[]): void {
  messages.set(`${String(topic)}/${String(partition)}/${String(offset)}`, {
    topic: String(topic),
    partition: Number(partition),
    offset: BigInt(String(offset)),
  });
}

function bytesOf(value: unknown): Buffer | null {
  return value instanceof Uint8Array ? Buffer.from(value) : null;
}
