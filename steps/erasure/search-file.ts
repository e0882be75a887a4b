import { open, readFile } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { sqlName, withDuckDb } from '../../adapters/duckdb/database.ts';
import { userOf } from '../../records/user.ts';
import { readSql } from '../upkeep/merge-files.ts';
import { erasedCondition, type ErasedRows } from './erased-rows.ts';

/** The persons and messages to look for in files. */
export interface PersonSearch {
  /** The keys of the persons. */
  readonly persons: ReadonlySet<string>;
  /** The erased messages, whose rows are found also in tables that do not name a person. */
  readonly erased: ErasedRows;
  /** For DuckDB's spilled data; absolute. */
  readonly temporaryFolder: string;
}

const PARQUET = Buffer.from('PAR1');

const MEMORY_LIMIT = '512MB';

/**
 * Returns the number of rows of a Parquet file that are of one of the persons, or in any other file the number of persons
 * whose key is in its bytes.
 * @param file Absolute.
 */
export async function searchFile(file: string, search: PersonSearch): Promise<number> {
  if (!(await isParquet(file))) {
    const bytes = await readFile(file);
    return [...search.persons].filter((person) => bytes.includes(person)).length;
  }
  const options = { threads: 1, memoryLimit: MEMORY_LIMIT, temporaryFolder: search.temporaryFolder };
  return withDuckDb(options, (connection) => searchParquet(connection, readSql([file]), search));
}

async function isParquet(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read({ buffer: Buffer.alloc(PARQUET.length) });
    return buffer.equals(PARQUET);
  } finally {
    await handle.close();
  }
}

async function searchParquet(
  connection: DuckDBConnection,
  read: string,
  { persons, erased }: PersonSearch,
): Promise<number> {
  await connection.run('CREATE TABLE persons (person VARCHAR)');
  const appender = await connection.createAppender('persons');
  for (const person of persons) {
    appender.appendVarchar(person);
    appender.endRow();
  }
  appender.closeSync();
  await erased.createRelations(connection);
  const described = await connection.runAndReadAll(`DESCRIBE FROM ${read}`);
  const columns = described.getRows().map(([name, type]) => ({ name: String(name), type: String(type) }));
  const names = columns.map(({ name }) => name);
  const conditions = [
    erasedCondition(names) ?? 'false',
    ...columns.map(({ name, type }) => namingCondition(sqlName(name), type)),
  ];
  const counted = await connection.runAndReadAll(
    `SELECT count(*) FROM ${read} WHERE ${conditions.map((one) => `coalesce(${one}, false)`).join(' OR ')}`,
  );
  const found = Number(counted.getRows()[0]?.[0]);
  if (found > 0 || !names.includes('payload')) return found;
  return countPayloads(connection, read, persons);
}

/** Returns the SQL condition of the rows in which a column is, or has somewhere inside, a person's key. */
function namingCondition(column: string, type: string): string {
  if (type === 'VARCHAR') return `${column} IN (FROM persons)`;
  if (type === 'BLOB') return `${column} IN (SELECT encode(person) FROM persons)`;
  if (!/^(?:STRUCT|MAP)/.test(type)) return 'false';
  return `EXISTS (FROM persons WHERE contains(to_json(${column})::VARCHAR, person))`;
}

/** Counts the rows whose payload names one of the persons as its user. */
async function countPayloads(
  connection: DuckDBConnection,
  read: string,
  persons: ReadonlySet<string>,
): Promise<number> {
  let found = 0;
  const payloads = await connection.stream(`SELECT payload FROM ${read}`);
  for await (const rows of payloads.yieldRowsJs())
    for (const [payload] of rows) {
      const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
      const user = bytes instanceof Uint8Array ? userOf(Buffer.from(bytes)) : null;
      if (user !== null && persons.has(user)) found += 1;
    }
  return found;
}
