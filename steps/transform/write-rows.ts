import type { DuckDBPreparedStatement } from '@duckdb/node-api';
import { sqlName, withDuckDb } from '../../adapters/duckdb/database.ts';
import type { StagedFile } from '../../model/references.ts';
import { createTableSql } from '../../tables/relations.ts';
import type { Table } from '../../tables/table.ts';
import { writeTable, type FileTarget } from './table-files.ts';

/** A column's value; timestamps are ISO 8601 texts. */
type Value = string | number | bigint | Uint8Array | null | undefined;

/** A row by column name; columns that are left out are null. */
export type TableRow = { readonly source: string } & Readonly<Record<string, Value>>;

/**
 * Writes a few rows of a table to Parquet files, one per source. For the tables that {@link createTableSql} serves.
 * @returns The files; none if there are no rows.
 */
export async function writeRows(
  target: FileTarget,
  table: Table,
  rows: readonly TableRow[],
): Promise<StagedFile[]> {
  const options = { threads: 1, memoryLimit: '512MB', temporaryFolder: target.resolve(target.folder) };
  return withDuckDb(options, async (connection) => {
    await connection.run(createTableSql(table));
    const names = ['source', ...table.columns.map(({ name }) => name)];
    const parameters = names.map((_, index) => `$${index + 1}`);
    const insert = await connection.prepare(
      `INSERT INTO ${sqlName(table.name)} VALUES (${parameters.join(', ')})`,
    );
    for (const row of rows) {
      for (const [index, name] of names.entries()) bindValue(insert, index + 1, row[name]);
      await insert.run();
    }
    const files: StagedFile[] = [];
    for (const source of new Set(rows.map((row) => row.source))) {
      const file = await writeTable(connection, table, source, target);
      if (file !== undefined) files.push(file);
    }
    return files;
  });
}

/** Binds a parameter by its type in JavaScript; DuckDB casts it to the column's type. */
function bindValue(insert: DuckDBPreparedStatement, index: number, value: Value): void {
  if (value === null || value === undefined) insert.bindNull(index);
  else if (typeof value === 'string') insert.bindVarchar(index, value);
  else if (typeof value === 'bigint') insert.bindBigInt(index, value);
  else if (typeof value === 'number') insert.bindDouble(index, value);
  else insert.bindBlob(index, value);
}
