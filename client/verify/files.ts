import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readRows, type AuditedRow, type Auditor } from '../../adapters/auditor/auditor.ts';
import type { AddFile } from '../../adapters/delta/actions.ts';
import { sqlFile, sqlName, withDuckDb } from '../../adapters/duckdb/database.ts';
import { listLengths } from '../../adapters/delta/missing-files.ts';
import { hdfsPathOf } from '../../adapters/delta/table-cache.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { messageOf } from '../../model/errors.ts';
import { withTemporaryFolder } from '../cli/interrupt.ts';
import { rowCountOf } from '../query/live-tables.ts';
import type { VerifyFinding } from './findings.ts';

const MAX_CONCURRENT_FILES = 4;

/** The number of attempts before a file counts as unreadable or damaged: a server may just be busy. */
const MAX_READS = 3;
const READ_PAUSE_MS = 200;

/** The live files of a table to read back. */
export interface FilesToAudit {
  /** The table's folder in HDFS, absolute. */
  readonly tablePath: string;
  readonly files: readonly AddFile[];
  /** The columns to read; rows are counted by them. */
  readonly columns: readonly string[];
  /** Called with groups of rows, of several files in turn. */
  readonly onRows: (rows: readonly AuditedRow[], file: AddFile) => void;
}

/** The result of {@link auditFiles}. */
export interface FilesAudited {
  readonly files: number;
  /** The size of the files without findings. */
  readonly bytes: number;
  readonly rows: number;
  /** The number of files that another program wrote. */
  readonly foreign: number;
  readonly findings: readonly VerifyFinding[];
}

/** Reads files back, and compares their length, checksum and row count with the table's log. */
export async function auditFiles(auditor: Auditor, audit: FilesToAudit): Promise<FilesAudited> {
  return withTemporaryFolder(async (folder) => {
    // DuckDB's spill files of two instances would have the same names in one folder.
    const numbered = audit.files.map((file, index) => ({ file, own: join(folder, String(index)) }));
    const audited = await mapConcurrent(MAX_CONCURRENT_FILES, numbered, async ({ file, own }) => {
      await mkdir(own);
      const local = join(own, 'file.parquet');
      const path = hdfsPathOf(audit.tablePath, file);
      const finding =
        (await auditBytes(auditor, path, file, local)) ?? (await auditRows(path, file, local, audit));
      await rm(own, { recursive: true });
      return { file, finding };
    });
    const whole = audited.flatMap(({ file, finding }) => (finding === undefined ? [file] : []));
    return {
      files: audit.files.length,
      bytes: whole.reduce((sum, { size }) => sum + size, 0),
      rows: whole.reduce((sum, file) => sum + (rowCountOf(file) ?? 0), 0),
      foreign: audit.files.filter((file) => !isOwnFile(file)).length,
      findings: audited.flatMap(({ finding }) => finding ?? []),
    };
  });
}

/** Compares the lengths of files with their table's log, without reading them. */
export async function checkLengths(
  hdfs: WebHdfs,
  tablePath: string,
  files: readonly AddFile[],
): Promise<VerifyFinding[]> {
  const lengths = await listLengths(hdfs, tablePath, files);
  return files.flatMap((file): VerifyFinding[] => {
    const where = hdfsPathOf(tablePath, file);
    const length = lengths.get(where);
    if (length === undefined) return [{ code: 'FILE_UNREADABLE', where, message: 'it does not exist' }];
    return length === file.size ? [] : [lengthFinding(where, length, file.size)];
  });
}

function lengthFinding(where: string, bytes: number, size: number): VerifyFinding {
  return { code: 'FILE_LENGTH', where, message: `it has ${bytes} bytes, the log says ${size}` };
}

async function auditBytes(
  auditor: Auditor,
  path: string,
  file: AddFile,
  local: string,
): Promise<VerifyFinding | undefined> {
  let finding: VerifyFinding | undefined;
  for (let attempt = 1; attempt <= MAX_READS; attempt += 1) {
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
    if (bytes !== size) return lengthFinding(path, bytes, size);
    const expected = tags?.['sha256'];
    if (typeof expected !== 'string' || sha256 === expected) return undefined;
    return {
      code: 'FILE_CHECKSUM',
      where: path,
      message: `its SHA-256 is ${sha256}, the log says ${expected}`,
    };
  } catch (error) {
    return { code: 'FILE_UNREADABLE', where: path, message: messageOf(error) };
  }
}

/** Decodes a file whose bytes match the log; a fault found here was already there when the file was written. */
async function auditRows(
  path: string,
  file: AddFile,
  local: string,
  { columns, onRows }: FilesToAudit,
): Promise<VerifyFinding | undefined> {
  let rows = 0;
  try {
    const addRows = (group: readonly AuditedRow[]): void => {
      rows += group.length;
      onRows(group, file);
    };
    if (isOwnFile(file)) for await (const group of readRows(local, columns)) addRows(group);
    else await readForeign(local, columns, addRows);
  } catch (error) {
    return { code: 'FILE_UNREADABLE', where: path, message: messageOf(error) };
  }
  const expected = rowCountOf(file);
  if (rows === expected) return undefined;
  return {
    code: 'FILE_ROWS',
    where: path,
    message: `it has ${rows} rows, the log says ${expected ?? 'nothing'}`,
  };
}

/** Returns whether the pipeline wrote a file: only its own log entries have a checksum. */
function isOwnFile({ tags }: AddFile): boolean {
  return typeof tags?.['sha256'] === 'string';
}

/**
 * Reads a file of another program with DuckDB. parquetjs-lite cannot read LZ4, and misreads column chunks that switch from
 * dictionary to plain encoding. DuckDB did not write these files, so the check stays independent.
 */
async function readForeign(
  file: string,
  columns: readonly string[],
  onRows: (rows: readonly AuditedRow[]) => void,
): Promise<void> {
  const options = { threads: 1, memoryLimit: '1GB', temporaryFolder: dirname(file), onlyFiles: [file] };
  await withDuckDb(options, async (connection) => {
    const names = columns.map(sqlName).join(', ');
    const result = await connection.stream(
      `SELECT ${names} FROM read_parquet(${sqlFile(file)}, hive_partitioning = false)`,
    );
    for await (const rows of result.yieldRowObjects()) onRows(rows);
  });
}
