import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { PRIVATE_FILE_MODE } from '../../lib/private-files.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import { mapDiskFull } from '../../adapters/staging/staging.ts';
import { PipelineError } from '../../model/errors.ts';
import type { SourceRows, StagedFile, TableFiles } from '../../model/references.ts';
import { deliveries, quarantine } from '../../tables/index.ts';

/** In the folder of a batch's files, which it is removed with. */
const LIST = 'files.json';

const List = z.array(
  z.strictObject({
    table: z.string(),
    partition: z.record(z.string(), z.string()),
    path: z.string(),
    rows: z.int(),
    bytes: z.int(),
    stats: z.string(),
  } satisfies { readonly [K in keyof StagedFile]: z.ZodType }),
);

/**
 * Writes the list of a batch's files to the disk and returns what stands for it between activities: each file has
 * statistics, and a topic can have many sources.
 * @param folder The folder of the files, relative to the run's staging folder.
 * @throws {PipelineError} STAGING_FULL
 */
export async function writeFileList(
  own: Pick<RunStaging, 'locate'>,
  folder: string,
  files: readonly StagedFile[],
): Promise<TableFiles> {
  const path = `${folder}/${LIST}`;
  const text = JSON.stringify(files);
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
 * @throws {PipelineError} STAGING_LOST when it is not there, INPUT_INVALID when it is another one.
 */
export async function readFileList(
  own: Pick<RunStaging, 'locate'>,
  folder: string,
  { files: { count, sha256 } }: TableFiles,
): Promise<StagedFile[]> {
  if (count === 0) return [];
  const path = `${folder}/${LIST}`;
  const text = await readFile(await own.locate(path), 'utf8').catch((cause: unknown) => {
    throw new PipelineError('STAGING_LOST', `${path} cannot be read`, { cause });
  });
  if (sha256Of(text) !== sha256)
    throw new PipelineError('INPUT_INVALID', `${path} is not the list of files that the input says`);
  return List.parse(JSON.parse(text));
}

function bySource(files: readonly StagedFile[]): SourceRows[] {
  const names = new Set(files.map(({ partition }) => partition['source'] ?? ''));
  return [...names].map((source) => {
    const own = files.filter(({ partition }) => (partition['source'] ?? '') === source);
    return {
      source,
      landed: rowsOf(own, deliveries.name),
      refused: rowsOf(own, quarantine.name),
      bytes: sumOf(own, 'bytes'),
    };
  });
}

function rowsOf(files: readonly StagedFile[], table: string): number {
  return sumOf(
    files.filter((file) => file.table === table),
    'rows',
  );
}

function sumOf(files: readonly StagedFile[], what: 'rows' | 'bytes'): number {
  return files.reduce((sum, file) => sum + file[what], 0);
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
