import { readFileSync } from 'node:fs';
import { PipelineError } from './errors.ts';

/**
 * Returns a secret from the environment. Call it at each use, so that the secret is stored nowhere else.
 * @param variable The name of its environment variable.
 * @param what A description for the message, as `the password of kafka.sasl`.
 * @throws {PipelineError} SETTINGS_INVALID, naming the variable, if it is not set.
 */
export function secretOf(variable: string, what: string): string {
  const secret = process.env[variable];
  if (secret !== undefined && secret !== '') return secret;
  throw new PipelineError(
    'SETTINGS_INVALID',
    `the environment variable ${variable}, which is to hold ${what}, is not set`,
  );
}

/** The name of an environment variable, or of a file, that holds a secret. */
export interface SecretPlace {
  readonly variable?: string | undefined;
  /** Absolute. */
  readonly file?: string | undefined;
}

/** A longer file is no secret. */
const MAX_SECRET_BYTES = 1 << 16;

/**
 * Reads a secret from the environment or from a file, without the line break at its end. Call it at each use.
 * @param what A description for the message, as `the password of source pearson`.
 * @throws {PipelineError} SETTINGS_INVALID, naming the variable or the file, if there is none, or it is none of printable
 * characters.
 */
export function readSecret({ variable, file }: SecretPlace, what: string): string {
  const isVariable = file === undefined;
  const secret = isVariable ? secretOf(variable ?? '', what) : secretIn(file, what);
  if (/^[\x20-\x7e\u0080-\uffff]+$/.test(secret)) return secret;
  throw new PipelineError(
    'SETTINGS_INVALID',
    `${isVariable ? `the environment variable ${variable ?? ''}` : `the file ${file}`} holds a character that ${what} cannot have, perhaps a line break`,
  );
}

function secretIn(file: string, what: string): string {
  try {
    const bytes = readFileSync(file);
    const secret = bytes.length > MAX_SECRET_BYTES ? '' : bytes.toString('utf8').replace(/\r?\n$/, '');
    if (secret !== '') return secret;
  } catch (cause) {
    throw new PipelineError(
      'SETTINGS_INVALID',
      `the file ${file}, which is to hold ${what}, cannot be read`,
      {
        cause,
      },
    );
  }
  throw new PipelineError(
    'SETTINGS_INVALID',
    `the file ${file}, which is to hold ${what}, is empty or too long`,
  );
}
