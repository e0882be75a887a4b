import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { PRIVATE_FILE_MODE } from '../../lib/private-files.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import { mapDiskFull } from '../../adapters/staging/staging.ts';
import { PipelineError } from '../../model/errors.ts';
import type { SourceRows, StagedFile, TableFiles } from '../../model/references.ts';
import { BATCH_TABLES, deliveries, quarantine } from '../../tables/index.ts';

/** The list's name, in the folder of the batch's files. */
const LIST_FILE = 'files.json';

const File = z.strictObject({
  table: z.string(),
  partition: z.record(z.string(), z.string()),
  path: z.string(),
  rows: z.int(),
  bytes: z.int(),
  stats: z.string(),
} satisfies { readonly [K in keyof StagedFile]: z.ZodType });

const List = z.strictObject({
  /** All tables that the batch was transformed into, also those without rows. */
  tables: z.array(z.string()),
  files: z.array(File),
  /** Application ids that record the dropped messages of erased persons; see `erasedOffsetIds`. */
  erased: z.array(z.string()),
  /** The number of the last erasure of each source that the batch was transformed with. */
  erasures: z.record(z.string(), z.int()),
});

/** The list of a batch's files. */
export type FileList = Omit<z.infer<typeof List>, 'tables'>;

/**
 * Writes the list of a batch's files to the disk and returns a summary with its SHA-256. The list itself, with
 * statistics per file, can be too large for an activity's result.
 * @param folder The folder of the files, relative to the run's staging folder.
 * @throws {PipelineError} STAGING_FULL
 */
export async function writeFileList(
  own: Pick<RunStaging, 'locate'>,
  folder: string,
  list: FileList,
): Promise<TableFiles> {
  const { files } = list;
  const path = `${folder}/${LIST_FILE}`;
  const names = BATCH_TABLES.map(({ name }) => name);
  const text = JSON.stringify({ tables: names, ...list });
  await mapDiskFull(path, writeFile(await own.locate(path), text, { mode: PRIVATE_FILE_MODE }));
  const tables = [...new Set(files.map(({ table }) => table))];
  return {
    files: { count: files.length, bytes: sumOf(files, 'bytes'), sha256: sha256Of(text) },
    rows: Object.fromEntries(tables.map((table) => [table, rowsOf(files, table)])),
    sources: bySource(files),
  };
}

/**
 * Reads the list of a batch's files.
 * @throws {PipelineError} STAGING_LOST if it is missing, or was written by a version of this program that lacks one of
 * the tables, so that the batch would land without rows there; INPUT_INVALID if its SHA-256 differs.
 */
export async function readFileList(
  own: Pick<RunStaging, 'locate'>,
  folder: string,
  { files: { sha256 } }: TableFiles,
): Promise<FileList> {
  if (sha256 === '') return { files: [], erased: [], erasures: {} };
  const path = `${folder}/${LIST_FILE}`;
  const text = await readFile(await own.locate(path), 'utf8').catch((cause: unknown) => {
    throw new PipelineError('STAGING_LOST', `${path} cannot be read`, { cause });
  });
  if (sha256Of(text) !== sha256)
    throw new PipelineError('INPUT_INVALID', `${path} is not the list of files that the input says`);
  const list = List.safeParse(JSON.parse(text));
  const tables = new Set(list.data?.tables);
  if (list.success && BATCH_TABLES.every(({ name }) => tables.has(name))) {
    const { files, erased, erasures } = list.data;
    return { files, erased, erasures };
  }
  throw new PipelineError(
    'STAGING_LOST',
    `${path} was written by a version of this program with other tables`,
  );
}

function bySource(files: readonly StagedFile[]): SourceRows[] {
  const names = new Set(files.map(({ partition }) => partition['source'] ?? ''));
  return [...names].map((source) => {
    const ofSource = files.filter(({ partition }) => (partition['source'] ?? '') === source);
    return {
      source,
      landed: rowsOf(ofSource, deliveries.name),
      refused: rowsOf(ofSource, quarantine.name),
      bytes: sumOf(ofSource, 'bytes'),
    };
  });
}

function rowsOf(files: readonly StagedFile[], table: string): number {
  return sumOf(
    files.filter((file) => file.table === table),
    'rows',
  );
}

function sumOf(files: readonly StagedFile[], field: 'rows' | 'bytes'): number {
  return files.reduce((sum, file) => sum + file[field], 0);
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
