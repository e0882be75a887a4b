import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { DURATION_EXAMPLES, parseDuration } from './duration.ts';
import { PipelineError } from './errors.ts';
import { SettingsText } from './settings-faults.ts';
import { Erasure } from './settings-erasure.ts';
import { Limits } from './settings-limits.ts';
import { Maintenance } from './settings-maintenance.ts';
import { Schedule, requireSchedule } from './settings-schedule.ts';
import { Auth, BODY_PATH, Paging, RequestParts, TOKEN_KEYS } from './settings-feed.ts';
import {
  SOURCE_URL,
  requireFeed,
  requireOwnMarkerTopic,
  withAbsoluteSecretFiles,
} from './settings-source.ts';
import { Hdfs, Kafka, Temporal, type TlsFiles } from './settings-servers.ts';
import { HOST_SCHEMA, NAME, SUBNET, TOPIC } from './settings-values.ts';
import { temporalProfile } from './temporal-environment.ts';

const Source = z
  .strictObject({
    url: SOURCE_URL.optional().describe(
      'The http, https or file URL to fetch. `{from}` and `{to}` in it are replaced by the interval of a run. Without a url nothing is fetched: the run lands what other producers publish to the topic.',
    ),
    format: z
      .enum(['json-array', 'ndjson'])
      .default('json-array')
      .describe(
        'The format of the content: one JSON array of records, or one record per line. Gzip is detected.',
      ),
    records: BODY_PATH.optional().describe(
      'The path of the array of records in the content, as `data.items`, if it is one JSON object around them. Without it, the content is the array itself.',
    ),
    request: RequestParts.optional(),
    paging: Paging.optional(),
    topic: TOPIC.describe(
      'The Kafka topic of its records: 1 to 200 of A-Z, a-z, 0-9, `.`, `_` and `-`. It is created if it does not exist.',
    ),
    ...TOKEN_KEYS,
    auth: Auth.optional(),
    allowCleartext: z
      .boolean()
      .optional()
      .describe(
        'If true, the token or the login is also sent without TLS to hosts other than this one, where others on the network can read it.',
      ),
    redirectHosts: z
      .array(HOST_SCHEMA)
      .default([])
      .describe(
        'Other hosts, as `files.example.com` or `files.example.com:8443`, to which the customer’s server may redirect, or which its next pages may be on. No token, login or header of `request` is sent to them. A redirect or link to any other host, or from https to http, is refused.',
      ),
    allowAddresses: z
      .array(SUBNET)
      .default([])
      .describe(
        'IP addresses or subnets, as `10.1.0.0/16`, that may be connected to although they are link-local, as cloud metadata services are; or to which a server with a public address may redirect although they are private, if `redirectHosts` has their name.',
      ),
    quarantineLimit: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        'The share of records that may go into quarantine, as 0.05. Above it, the run waits for a person before it publishes what it fetched, or before it lands a batch that others published. Without a limit, invalid records are quarantined, and the run waits for a person only if no record is valid.',
      ),
    schedule: Schedule.optional(),
  })
  .superRefine(requireSchedule)
  .superRefine(requireFeed)
  .describe('One customer’s feed.');

const Worker = z
  .strictObject({
    staging: z
      .string()
      .min(1)
      .default('.services/staging')
      .describe(
        'The folder on this host’s disk for the files that the steps of a run pass to each other. Relative to the settings file.',
      ),
    stagingBytes: z
      .int()
      .min(1)
      .default(20 * 2 ** 30)
      .describe('The size limit of that folder, in bytes. A step that needs more space is retried later.'),
    sweepInterval: z
      .string()
      .refine((text) => parseDuration(text) !== undefined, `must be a duration, as ${DURATION_EXAMPLES}`)
      .default('10m')
      .describe(
        'How often a worker removes files from that folder that were left by terminated runs, or by runs whose fetch never succeeded; it also does so at its start.',
      ),
    threads: z
      .int()
      .min(1)
      .max(64)
      .default(1)
      .describe(
        'The number of DuckDB threads per batch. With several, an idle thread still occupies a processor.',
      ),
    healthPort: z
      .int()
      .min(0)
      .max(65535)
      .default(8235)
      .describe('The port of `/healthz` and `/metrics`; 0 chooses a free one.'),
    healthHost: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe(
        'The address that `/healthz` and `/metrics` listen on; 0.0.0.0 for all. They need no login, and reveal the names of sources and topics.',
      ),
    healthNames: z
      .array(z.string().regex(/^[a-z0-9.-]+$/, 'must be a host name in lower case, without a port'))
      .default([])
      .describe(
        'The host names under which `/healthz` and `/metrics` may be requested, as `worker`. `localhost`, `healthHost` and IP addresses are always allowed; a request with any other Host header is refused, since a web page could have sent it (DNS rebinding).',
      ),
    temporalMetricsPort: z
      .int()
      .min(1)
      .max(65535)
      .optional()
      .describe('The port, on `healthHost`, of the Temporal SDK’s own metrics; without it they are off.'),
  })
  .describe('The worker, the process that runs the steps.');

/** The schema of `pipeline.yaml`. docs/settings.md is generated from its descriptions. */
export const Settings = z
  .strictObject({
    temporal: Temporal.prefault({}),
    kafka: Kafka.prefault({}),
    hdfs: Hdfs.prefault({}),
    worker: Worker.prefault({}),
    limits: Limits.prefault({}),
    maintenance: Maintenance.prefault({}),
    erasure: Erasure.prefault({}),
    sources: z
      .record(NAME, Source)
      .describe(
        'The customers’ feeds by name: 1 to 63 of a-z, 0-9, `_` and `-`, beginning with a letter or digit. A run names a source, never a URL.',
      ),
  })
  .superRefine(requireOwnMarkerTopic);

/** The settings of one source, without its name. */
export type SourceSettings = z.infer<typeof Source>;

/** Returns the settings of a source that is not in pipeline.yaml, with the defaults filled in. */
export function sourceWith(input: z.input<typeof Source>): SourceSettings {
  return Source.parse(input);
}

/** The parsed `pipeline.yaml`, with the defaults filled in. */
export type Settings = z.infer<typeof Settings>;

/** The default path of the settings file. */
export const SETTINGS_FILE = 'pipeline.yaml';

/** Returns the path of the settings file: PIPELINE_CONFIG, or {@link SETTINGS_FILE}. */
export function settingsFile(): string {
  return process.env['PIPELINE_CONFIG'] ?? SETTINGS_FILE;
}

/**
 * Reads and checks a settings file. Relative folders and `file:` URLs are resolved against the file's
 * folder. Temporal's own environment variables override the address and the namespace.
 * @throws {PipelineError} SETTINGS_INVALID, naming each wrong key, its line and what is allowed; never a value that may be a secret.
 */
export function readSettings(file = settingsFile()): Settings {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PipelineError(
      'SETTINGS_INVALID',
      `${file} cannot be read; PIPELINE_CONFIG can name another file`,
      { cause },
    );
  }
  const settings = parseSettings(text, file);
  const folder = dirname(resolve(file));
  const sources: Settings['sources'] = Object.fromEntries(
    Object.entries(settings.sources).map(([name, source]) => [
      name,
      withAbsoluteSecretFiles(
        source.url === undefined ? source : { ...source, url: absoluteUrl(source.url, folder) },
        folder,
      ),
    ]),
  );
  const { temporal, kafka, hdfs } = settings;
  const profile = temporalProfile();
  return {
    ...settings,
    temporal: {
      ...temporal,
      address: profile.address ?? temporal.address,
      namespace: profile.namespace ?? temporal.namespace,
    },
    kafka: kafka.tls === undefined ? kafka : { ...kafka, tls: withAbsoluteFiles(kafka.tls, folder) },
    hdfs: hdfs.tls === undefined ? hdfs : { ...hdfs, tls: withAbsoluteFiles(hdfs.tls, folder) },
    sources,
    worker: { ...settings.worker, staging: resolve(folder, settings.worker.staging) },
  };
}

/** Returns TLS settings with absolute file paths. */
function withAbsoluteFiles<Tls extends TlsFiles>(tls: Tls, folder: string): Tls {
  const files: TlsFiles = { caFile: tls.caFile, certificateFile: tls.certificateFile, keyFile: tls.keyFile };
  const named = Object.entries(files).filter(
    (entry): entry is [keyof TlsFiles, string] => entry[1] !== undefined,
  );
  return { ...tls, ...Object.fromEntries(named.map(([key, file]) => [key, resolve(folder, file)])) };
}

/** Resolves a relative `file:` URL (one without a slash) against the settings' folder. */
function absoluteUrl(url: string, folder: string): string {
  const path = /^file:(?!\/)(.*)$/.exec(url)?.[1];
  return path === undefined ? url : pathToFileURL(resolve(folder, path)).href;
}

/**
 * Parses and validates the text of a settings file.
 * @param text YAML 1.2.
 * @param file The file's name, for messages.
 * @throws {PipelineError} SETTINGS_INVALID
 */
export function parseSettings(text: string, file: string): Settings {
  const document = new SettingsText(text, file);
  const parsed = Settings.safeParse(document.values);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `  ${document.describe(issue)}`);
  throw new PipelineError('SETTINGS_INVALID', `${file} is not valid:\n${faults.join('\n')}`);
}

/**
 * Returns the settings of one source.
 * @throws {PipelineError} SOURCE_UNKNOWN, listing the known sources.
 */
export function sourceOf(settings: Settings, name: string): SourceSettings {
  const source = Object.hasOwn(settings.sources, name) ? settings.sources[name] : undefined;
  if (source !== undefined) return source;
  const known = Object.keys(settings.sources).join(', ') || 'none';
  throw new PipelineError(
    'SOURCE_UNKNOWN',
    `there is no source ${JSON.stringify(name)}; the sources are: ${known}`,
  );
}

/**
 * Returns the source of a topic's messages that have no source header; a source without a url takes precedence.
 * @throws {PipelineError} SOURCE_UNKNOWN
 */
export function defaultSourceOf(settings: Pick<Settings, 'sources'>, topic: string): string {
  const names = Object.keys(settings.sources).filter((name) => settings.sources[name]?.topic === topic);
  const found = names.find((name) => settings.sources[name]?.url === undefined) ?? names[0];
  if (found === undefined)
    throw new PipelineError('SOURCE_UNKNOWN', `no source of pipeline.yaml has the topic ${topic}`);
  return found;
}
