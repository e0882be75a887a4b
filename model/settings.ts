import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { DURATION_EXAMPLES, parseDuration } from './duration.ts';
import { PipelineError } from './errors.ts';
import { SettingsText } from './settings-faults.ts';
import { Schedule, requireSchedule } from './settings-schedule.ts';
import { SOURCE_URL, requireConfidentialToken } from './settings-source.ts';
import { Hdfs, Kafka, Temporal, type TlsFiles } from './settings-servers.ts';
import { HOST, NAME, SUBNET, TOPIC, VARIABLE } from './settings-values.ts';
import { temporalProfile } from './temporal-environment.ts';

const Source = z
  .strictObject({
    url: SOURCE_URL.optional().describe(
      'Where to fetch from: a URL of http, https or file. `{from}` and `{to}` in it stand for the interval of a run. Without it there is nothing to fetch: what others publish to the topic is landed.',
    ),
    format: z
      .enum(['json-array', 'ndjson'])
      .default('json-array')
      .describe('How the records stand in the content: as one JSON array, or one a line. Gzip is noticed.'),
    topic: TOPIC.describe(
      'The Kafka topic that its attempts go through: 1 to 200 of A-Z, a-z, 0-9, `.`, `_` and `-`. It is made where there is none.',
    ),
    tokenVariable: VARIABLE.optional().describe(
      'The name of the environment variable, on the worker, that holds the bearer token to show; never the token itself.',
    ),
    allowCleartext: z
      .boolean()
      .optional()
      .describe(
        'With true, the token is also sent without TLS to other hosts than this one, where others on the network can read it.',
      ),
    redirectHosts: z
      .array(HOST)
      .default([])
      .describe(
        'Other hosts, as `files.example.com` or `files.example.com:8443`, to which the customer’s server may redirect. They are not shown the token. A redirect to any other host is refused, as is one from https to http.',
      ),
    allowAddresses: z
      .array(SUBNET)
      .default([])
      .describe(
        'IP addresses or subnets, as `10.1.0.0/16`, that may be connected to though they are link-local, as metadata services of clouds are; or that a server with a public address may redirect to though they are private, where `redirectHosts` has their name.',
      ),
    quarantineLimit: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        'Which share of its records may go into quarantine, as 0.05. With more the run waits for a person before it publishes what it fetched, or before it lands a batch that others published. Without it there is no limit: what is bad is quarantined, and the run waits for a person only where not one record is good.',
      ),
    schedule: Schedule.optional(),
  })
  .superRefine(requireSchedule)
  .superRefine(requireConfidentialToken)
  .describe('One customer’s feed.');

const Worker = z
  .strictObject({
    staging: z
      .string()
      .min(1)
      .default('.services/staging')
      .describe(
        'The folder on this host’s disk for what the steps of a run hand each other. Relative to the settings file.',
      ),
    stagingBytes: z
      .int()
      .min(1)
      .default(20 * 2 ** 30)
      .describe('How many bytes that folder may hold. A step that needs more waits and tries again.'),
    sweepInterval: z
      .string()
      .refine((text) => parseDuration(text) !== undefined, `must be a duration, as ${DURATION_EXAMPLES}`)
      .default('10m')
      .describe(
        'How often a worker removes what runs that were ended by force, or whose fetch never succeeded, left in that folder; it does so when it starts too.',
      ),
    threads: z
      .int()
      .min(1)
      .max(64)
      .default(1)
      .describe(
        'How many threads DuckDB has for a batch. Of several, each that has nothing to do takes a processor nevertheless.',
      ),
    healthPort: z
      .int()
      .min(0)
      .max(65535)
      .default(8235)
      .describe('The port of `/healthz` and `/metrics`; 0 takes a free one.'),
    healthHost: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe(
        'The address of this host that they are answered at, as 0.0.0.0 for all. They ask for no login, and tell the names of sources and topics.',
      ),
    healthNames: z
      .array(z.string().regex(/^[a-z0-9.-]+$/, 'must be a host’s name in small letters, without a port'))
      .default([])
      .describe(
        'The names that others use for this host when they ask for `/healthz` or `/metrics`, as `worker`. `localhost`, `healthHost` and IP addresses need not be named; a request by any other name is refused, since a page in a browser could have sent it.',
      ),
    temporalMetricsPort: z
      .int()
      .min(1)
      .max(65535)
      .optional()
      .describe('The port, likewise, of the metrics of Temporal’s SDK; without it there are none.'),
  })
  .describe('A worker, the process that runs the steps.');

/** How many bytes a record may have at most, and the key and the value of a message, whoever published it. */
export const MAX_RECORD_BYTES = 900_000;

/** A batch of 1 MiB, which is the most that Kafka takes by default, may take 64 times its size decompressed. */
export const DEFAULT_BATCH_DECODED_BYTES = 64 * 2 ** 20;

const Limits = z
  .strictObject({
    contentBytes: z
      .int()
      .min(1)
      .max(64 * 2 ** 30)
      .default(16 * 2 ** 30)
      .describe(
        'How many bytes, decoded, the content of one fetch may have; 64 GiB at most, since a run names each of its chunks in one message to Temporal.',
      ),
    recordBytes: z
      .int()
      .min(1)
      .max(MAX_RECORD_BYTES)
      .default(MAX_RECORD_BYTES)
      .describe('How many bytes a record may have to be published; a larger one goes into quarantine.'),
    batchBytes: z
      .int()
      .min(1)
      .default(112 * 2 ** 20)
      .describe(
        'A batch ends soon after its messages have so many bytes. No further batch is begun in a worker while the rows of earlier ones take four times as much memory.',
      ),
    batchMessages: z
      .int()
      .min(1)
      .default(50_000)
      .describe('A batch ends soon after it has so many messages.'),
    batchDecodedBytes: z
      .int()
      .min(2 ** 20)
      .max(2 ** 30)
      .default(DEFAULT_BATCH_DECODED_BYTES)
      .describe(
        'How many bytes one compressed batch of Kafka may take decompressed; a run waits for a person at a larger one. Two such are decompressed at once in a worker, which takes four times as much memory.',
      ),
    checkpointInterval: z
      .int()
      .min(1)
      .default(20)
      .describe('A table’s log gets a checkpoint at each multiple of this version.'),
  })
  .describe('What bounds the memory and the disk that a run takes.');

/** The shape of `pipeline.yaml`. What it says of each key is the text of docs/settings.md. */
export const Settings = z.strictObject({
  temporal: Temporal.prefault({}),
  kafka: Kafka.prefault({}),
  hdfs: Hdfs.prefault({}),
  worker: Worker.prefault({}),
  limits: Limits.prefault({}),
  sources: z
    .record(NAME, Source)
    .describe(
      'The customers’ feeds, each under its name: 1 to 63 of a-z, 0-9, `_` and `-`, which begins with a letter or digit. A run names a source, never a URL.',
    ),
});

/** A customer's feed, without its name. */
export type SourceSettings = z.infer<typeof Source>;

/** A source that no settings have, its defaults filled in. */
export function sourceWith(words: z.input<typeof Source>): SourceSettings {
  return Source.parse(words);
}

/** All of `pipeline.yaml`, its defaults filled in. */
export type Settings = z.infer<typeof Settings>;

/** Where settings are read from unless PIPELINE_CONFIG says otherwise. */
export const SETTINGS_FILE = 'pipeline.yaml';

/** The settings file of this program. */
export function settingsFile(): string {
  return process.env['PIPELINE_CONFIG'] ?? SETTINGS_FILE;
}

/**
 * Reads and checks a settings file. Relative folders and `file:` URLs in it are relative to the file. Where Temporal's
 * own environment variables name its address and namespace, those hold.
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
      source.url === undefined ? source : { ...source, url: absolute(source.url, folder) },
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
    kafka: kafka.tls === undefined ? kafka : { ...kafka, tls: besideSettings(kafka.tls, folder) },
    hdfs: hdfs.tls === undefined ? hdfs : { ...hdfs, tls: besideSettings(hdfs.tls, folder) },
    sources,
    worker: { ...settings.worker, staging: resolve(folder, settings.worker.staging) },
  };
}

/** Names the files of TLS by their absolute paths. */
function besideSettings<Tls extends TlsFiles>(tls: Tls, folder: string): Tls {
  const files: TlsFiles = { caFile: tls.caFile, certificateFile: tls.certificateFile, keyFile: tls.keyFile };
  const named = Object.entries(files).filter(
    (entry): entry is [keyof TlsFiles, string] => entry[1] !== undefined,
  );
  return { ...tls, ...Object.fromEntries(named.map(([key, file]) => [key, resolve(folder, file)])) };
}

/** A `file:` URL without a slash names a file beside the settings. */
function absolute(url: string, folder: string): string {
  const path = /^file:(?!\/)(.*)$/.exec(url)?.[1];
  return path === undefined ? url : pathToFileURL(resolve(folder, path)).href;
}

/**
 * Checks the text of a settings file.
 * @param text YAML 1.2.
 * @param file Its name, for messages.
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
 * The settings of one source.
 * @throws {PipelineError} SOURCE_UNKNOWN, listing the sources that there are.
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

/** The source that a topic's messages belong to where they name none: one without a url comes first. */
export function defaultSourceOf(settings: Pick<Settings, 'sources'>, topic: string): string {
  const names = Object.keys(settings.sources).filter((name) => settings.sources[name]?.topic === topic);
  const found = names.find((name) => settings.sources[name]?.url === undefined) ?? names[0];
  if (found === undefined)
    throw new PipelineError('SOURCE_UNKNOWN', `no source of pipeline.yaml has the topic ${topic}`);
  return found;
}
