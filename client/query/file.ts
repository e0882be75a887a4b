import { closeSync, existsSync, fchmodSync, openSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { withTemporary } from '../cli/interrupt.ts';

/** How `query` gives its answer. */
export const FORMATS = ['table', 'csv', 'json', 'parquet'] as const;

/** What a command writes may be data of persons: a new file is its owner's alone. */
const OWNER_ONLY = 0o600;

/** One of {@link FORMATS}. */
export type OutputFormat = (typeof FORMATS)[number];

/** The words of `query` that say how and where its answer goes. */
export interface OutputOptions {
  readonly format?: OutputFormat;
  readonly json?: boolean;
  readonly csvSafe?: boolean;
  readonly output?: string;
  readonly force?: boolean;
}

/**
 * How an answer is given: as the words say, or as the name of the file ends.
 * @throws {PipelineError} USAGE_INVALID where the words do not fit together.
 */
export function formatOf({ csvSafe, ...words }: OutputOptions): OutputFormat {
  const chosen = chosenFormat(
    words.format === undefined && csvSafe === true ? { ...words, format: 'csv' } : words,
  );
  if (csvSafe === true && chosen !== 'csv')
    throw usage(`--csv-safe and --format ${chosen}: give one of them`);
  return chosen;
}

function chosenFormat({ format, json, output, force }: OutputOptions): OutputFormat {
  if (json === true && format !== undefined && format !== 'json')
    throw usage(`--json and --format ${format}: give one of them`);
  if (force === true && output === undefined) throw usage('--force belongs to --output');
  const named = json === true ? 'json' : format;
  if (output === undefined) {
    if (named === 'parquet') throw usage('--format parquet needs a file: give --output FILE');
    return named ?? 'table';
  }
  const ending = FORMATS.find((one) => `.${one}` === extname(output).toLowerCase());
  const chosen = named ?? ending;
  if (chosen === undefined)
    throw usage(`--output ${output}: give --format too, or a name that ends with .csv, .json or .parquet`);
  return chosen;
}

/**
 * Writes a file whole or not at all: `write` fills an empty file of another name beside it, which is renamed in the
 * end. A new file can be read by its owner alone; one that is replaced keeps its permissions.
 * @throws {PipelineError} USAGE_INVALID when there is such a file already, unless it may be replaced, or when
 * its folder is not there; OUTPUT_UNWRITABLE when the system refuses to write it.
 */
export async function writeFileAtomically<T>(
  file: string,
  { force }: Pick<OutputOptions, 'force'>,
  write: (path: string) => Promise<T>,
): Promise<T> {
  const path = resolve(file);
  requireFree(path, file, force === true);
  const partial = `${path}.${process.pid}.part`;
  createEmpty(partial, modeOf(path), file);
  return withTemporary(partial, async () => {
    const written = await write(partial);
    requireFree(path, file, force === true);
    try {
      await rename(partial, path);
    } catch (cause) {
      throw new PipelineError('OUTPUT_UNWRITABLE', `${file}: ${messageOf(cause)}`, { cause });
    }
    return written;
  });
}

/** The permissions of a file that is there, or those of a new one. */
function modeOf(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? OWNER_ONLY : stats.mode & 0o777;
}

/** Never opens a file or link that someone else put there: the name can be guessed. */
function createEmpty(partial: string, mode: number, file: string): void {
  try {
    const created = openSync(partial, 'wx', OWNER_ONLY);
    fchmodSync(created, mode);
    closeSync(created);
  } catch (cause) {
    throw new PipelineError('OUTPUT_UNWRITABLE', `${file}: ${messageOf(cause)}`, { cause });
  }
}

function requireFree(path: string, file: string, force: boolean): void {
  if (!existsSync(dirname(path))) throw usage(`--output ${file}: there is no folder ${dirname(path)}`);
  if (!existsSync(path)) return;
  if (!statSync(path).isFile()) throw usage(`--output ${file}: that is no file`);
  if (!force) throw usage(`--output ${file}: that file exists; --force replaces it`);
}

function usage(message: string): PipelineError {
  return new PipelineError('USAGE_INVALID', message);
}
