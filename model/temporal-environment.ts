import { existsSync } from 'node:fs';
import { loadClientConfigProfile, type ClientConfigProfile } from '@temporalio/envconfig';
import { PipelineError, messageOf } from './errors.ts';

/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads Temporal's own environment variables (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_…),
 * which override the profile of a `temporal.toml`. The file is read only if TEMPORAL_CONFIG_FILE or TEMPORAL_PROFILE is
 * set: a file in the home folder that is meant for other work must not send the pipeline to another server.
 * @throws {PipelineError} SETTINGS_INVALID
 */
export function temporalProfile(environment: Environment = process.env): ClientConfigProfile {
  const { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: profile } = environment;
  if (file !== undefined && !existsSync(file))
    throw invalid(`TEMPORAL_CONFIG_FILE names ${file}, which does not exist`);
  const found = requestedProfile(() =>
    loadClientConfigProfile({
      disableFile: file === undefined && profile === undefined,
      overrideEnvVars: definedOf(environment),
    }),
  );
  if ((found.tls?.clientCert === undefined) !== (found.tls?.clientKey === undefined)) {
    throw invalid('a client certificate and its key go together (TEMPORAL_TLS_CLIENT_CERT_…, _KEY_…)');
  }
  return found;
}

/**
 * Calls the package that reads the variables, and converts its errors.
 * @throws {PipelineError} SETTINGS_INVALID
 */
export function requestedProfile<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    // Further lines of the message quote the file, which can contain a key.
    throw invalid(messageOf(cause).split('\n', 1)[0] ?? '');
  }
}

function invalid(what: string): PipelineError {
  return new PipelineError('SETTINGS_INVALID', `Temporal’s environment variables or temporal.toml: ${what}`);
}

function definedOf(environment: Environment): Record<string, string> {
  // An empty variable, as docker-compose sets it, counts as unset.
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => (entry[1] ?? '') !== ''),
  );
}
