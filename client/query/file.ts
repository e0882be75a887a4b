import { closeSync, existsSync, fchmodSync, openSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { withTemporary } from '../cli/interrupt.ts';

/** Output formats of `query`. */
export const FORMATS = ['table', 'csv', 'json', 'parquet'] as const;

/** Permissions of a new file: results may be personal data. */
const OWNER_ONLY = 0o600;

/** One of {@link FORMATS}. */
export type OutputFormat = (typeof FORMATS)[number];

/** The options of `query` for the format and the file of its result. */
export interface OutputOptions {
  readonly format?: OutputFormat;
  readonly json?: boolean;
  readonly csvSafe?: boolean;
  readonly output?: string;
  readonly force?: boolean;
}

/**
 * Returns the output format: from the options, or else from the file's extension.
 * @throws {PipelineError} USAGE_INVALID for options that contradict each other
 */
export function formatOf({ csvSafe, ...options }: OutputOptions): OutputFormat {
  const chosen = chooseFormat(
    options.format === undefined && csvSafe === true ? { ...options, format: 'csv' } : options,
  );
  if (csvSafe === true && chosen !== 'csv')
    throw usage(`--csv-safe and --format ${chosen}: give one of them`);
  return chosen;
}

function chooseFormat({ format, json, output, force }: OutputOptions): OutputFormat {
  if (json === true && format !== undefined && format !== 'json')
    throw usage(`--json and --format ${format}: give one of them`);
  if (force === true && output === undefined) throw usage('--force requires --output');
  const requested = json === true ? 'json' : format;
  if (output === undefined) {
    if (requested === 'parquet') throw usage('--format parquet needs a file: give --output FILE');
    return requested ?? 'table';
  }
  const byExtension = FORMATS.find((name) => `.${name}` === extname(output).toLowerCase());
  const chosen = requested ?? byExtension;
  if (chosen === undefined)
    throw usage(`--output ${output}: give --format too, or a name that ends with .csv, .json or .parquet`);
  return chosen;
}

/**
 * Writes a file atomically: `write` fills a temporary file next to it, which is then renamed. A new file is readable by
 * its owner only; a replaced one keeps its permissions.
 * @throws {PipelineError} USAGE_INVALID when the file exists and `force` is not set, or its folder does not exist;
 *   OUTPUT_UNWRITABLE when the system refuses to write it
 */
export async function writeFileAtomically<T>(
  file: string,
  { force }: Pick<OutputOptions, 'force'>,
  write: (path: string) => Promise<T>,
): Promise<T> {
  const path = resolve(file);
  requireFree(path, file, force === true);
  const make = (): string => createEmpty(`${path}.${process.pid}.part`, modeOf(path), file);
  return withTemporary(make, async (partial) => {
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

/** Returns the permissions of an existing file, or those of a new one. */
function modeOf(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? OWNER_ONLY : stats.mode & 0o777;
}

/** Creates an empty file exclusively, since others could guess its name and put a file or link there; returns its path. */
function createEmpty(partial: string, mode: number, file: string): string {
  try {
    const created = openSync(partial, 'wx', OWNER_ONLY);
    fchmodSync(created, mode);
    closeSync(created);
    return partial;
  } catch (cause) {
    throw new PipelineError('OUTPUT_UNWRITABLE', `${file}: ${messageOf(cause)}`, { cause });
  }
}

function requireFree(path: string, file: string, force: boolean): void {
  if (!existsSync(dirname(path))) throw usage(`--output ${file}: there is no folder ${dirname(path)}`);
  if (!existsSync(path)) return;
  if (!statSync(path).isFile()) throw usage(`--output ${file}: not a regular file`);
  if (!force) throw usage(`--output ${file}: that file exists; --force replaces it`);
}

function usage(message: string): PipelineError {
  return new PipelineError('USAGE_INVALID', message);
}
