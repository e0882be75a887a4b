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
