import { PipelineError } from './errors.ts';

/**
 * A secret, read from the environment each time that it is used, so that it stands nowhere else.
 * @param variable The name of its environment variable.
 * @param what What it is, as `the password of kafka.sasl`; for the message.
 * @throws {PipelineError} SETTINGS_INVALID, naming the variable, where it is not set.
 */
export function secretOf(variable: string, what: string): string {
  const secret = process.env[variable];
  if (secret !== undefined && secret !== '') return secret;
  throw new PipelineError(
    'SETTINGS_INVALID',
    `the environment variable ${variable}, which is to hold ${what}, is not set`,
  );
}
