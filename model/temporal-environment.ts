import { existsSync } from 'node:fs';
import { loadClientConfigProfile, type ClientConfigProfile } from '@temporalio/envconfig';
import { PipelineError, messageOf } from './errors.ts';

/** As much of a process's environment as is asked for. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What Temporal's own environment variables say (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY,
 * TEMPORAL_TLS_…), and before them the profile of a `temporal.toml`. Such a file is read only where
 * TEMPORAL_CONFIG_FILE or TEMPORAL_PROFILE names it: one that lies in a home folder for other work must not send a
 * pipeline to another server.
 * @throws {PipelineError} SETTINGS_INVALID
 */
export function temporalProfile(environment: Environment = process.env): ClientConfigProfile {
  const { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: profile } = environment;
  if (file !== undefined && !existsSync(file))
    throw invalid(`TEMPORAL_CONFIG_FILE names ${file}, which is not there`);
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
 * Does something with the package that reads them, whose errors are bare.
 * @throws {PipelineError} SETTINGS_INVALID
 */
export function requestedProfile<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    // Further lines show the file, which can hold a key.
    throw invalid(messageOf(cause).split('\n', 1)[0] ?? '');
  }
}

function invalid(what: string): PipelineError {
  return new PipelineError('SETTINGS_INVALID', `Temporal’s environment variables or temporal.toml: ${what}`);
}

function definedOf(environment: Environment): Record<string, string> {
  // An empty variable, as a line of docker-compose leaves it, says nothing.
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => (entry[1] ?? '') !== ''),
  );
}
