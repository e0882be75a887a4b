import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readRows, type AuditedRow, type Auditor } from '../../adapters/auditor/auditor.ts';
import type { AddFile } from '../../adapters/delta/actions.ts';
import { sqlFile, sqlName, withDuckDb } from '../../adapters/duckdb/database.ts';
import { hdfsPathOf } from '../../adapters/delta/table-cache.ts';
import { messageOf } from '../../model/errors.ts';
import { rowsOf } from '../query/live-tables.ts';
import type { VerifyFinding } from './findings.ts';

/** A file is read so often before it counts as unreadable or damaged, since a server may just be busy. */
const MAX_READS = 3;
const READ_PAUSE_MS = 200;

/** A table's live files to read back. */
export interface FilesToAudit {
  /** The table's folder in HDFS, absolute. */
  readonly tablePath: string;
  readonly files: Iterable<AddFile>;
  /** The columns to read; all rows are counted by them. */
  readonly columns: readonly string[];
  readonly onRows: (rows: readonly AuditedRow[]) => void;
}

/** What came of it. */
export interface FilesAudited {
  readonly files: number;
  /** Of the files that are sound. */
  readonly bytes: number;
  readonly rows: number;
  /** How many of them another program wrote. */
  readonly foreign: number;
  readonly findings: readonly VerifyFinding[];
}

/** Reads files back one at a time, and compares them with what the log says of them. */
export async function auditFiles(auditor: Auditor, audit: FilesToAudit): Promise<FilesAudited> {
  const folder = await mkdtemp(join(tmpdir(), 'assessment-pipeline-'));
  const local = join(folder, 'file.parquet');
  const sum = { files: 0, bytes: 0, rows: 0, foreign: 0 };
  const findings: VerifyFinding[] = [];
  try {
    for (const file of audit.files) {
      const path = hdfsPathOf(audit.tablePath, file);
      sum.files += 1;
      if (!isOurs(file)) sum.foreign += 1;
      const finding =
        (await auditBytes(auditor, path, file, local)) ?? (await auditRows(path, file, local, audit));
      if (finding !== undefined) {
        findings.push(finding);
        continue;
      }
      sum.bytes += file.size;
      sum.rows += rowsOf(file) ?? 0;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { ...sum, findings };
}

async function auditBytes(
  auditor: Auditor,
  path: string,
  file: AddFile,
  local: string,
): Promise<VerifyFinding | undefined> {
  let finding: VerifyFinding | undefined;
  for (let read = 1; read <= MAX_READS; read += 1) {
    finding = await readOnce(auditor, path, file, local);
    if (finding === undefined) return undefined;
    await pause(READ_PAUSE_MS);
  }
  return finding;
}

async function readOnce(
  auditor: Auditor,
  path: string,
  { size, tags }: AddFile,
  local: string,
): Promise<VerifyFinding | undefined> {
  try {
    const { bytes, sha256 } = await auditor.read(path, local);
    if (bytes !== size) {
      return { code: 'FILE_LENGTH', where: path, message: `it has ${bytes} bytes, the log says ${size}` };
    }
    const named = tags?.['sha256'];
    if (typeof named !== 'string' || sha256 === named) return undefined;
    return { code: 'FILE_CHECKSUM', where: path, message: `its SHA-256 is ${sha256}, the log says ${named}` };
  } catch (error) {
    return { code: 'FILE_UNREADABLE', where: path, message: messageOf(error) };
  }
}

/** Bytes that are those of the log are decoded; so what is off here was off when it was written. */
async function auditRows(
  path: string,
  file: AddFile,
  local: string,
  { columns, onRows }: FilesToAudit,
): Promise<VerifyFinding | undefined> {
  let rows = 0;
  try {
    const take = (group: readonly AuditedRow[]): void => {
      rows += group.length;
      onRows(group);
    };
    if (isOurs(file)) for await (const group of readRows(local, columns)) take(group);
    else await readForeign(local, columns, take);
  } catch (error) {
    return { code: 'FILE_UNREADABLE', where: path, message: messageOf(error) };
  }
  const named = rowsOf(file);
  if (rows === named) return undefined;
  return {
    code: 'FILE_ROWS',
    where: path,
    message: `it has ${rows} rows, the log says ${named ?? 'nothing'}`,
  };
}

/** What the pipeline lands has its checksum in the log; what another program compacted has not. */
function isOurs({ tags }: AddFile): boolean {
  return typeof tags?.['sha256'] === 'string';
}

/**
 * Other programs write what parquetjs-lite cannot read, as lz4, or reads wrong, as columns that leave their
 * dictionary half-way. DuckDB reads them: here it is not the one that wrote.
 */
async function readForeign(
  file: string,
  columns: readonly string[],
  take: (rows: readonly AuditedRow[]) => void,
): Promise<void> {
  const options = { threads: 1, memoryLimit: '1GB', temporaryFolder: dirname(file), onlyFiles: [file] };
  await withDuckDb(options, async (connection) => {
    const names = columns.map(sqlName).join(', ');
    const result = await connection.stream(
      `SELECT ${names} FROM read_parquet(${sqlFile(file)}, hive_partitioning = false)`,
    );
    for await (const rows of result.yieldRowObjects()) take(rows);
  });
}
