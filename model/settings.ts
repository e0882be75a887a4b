import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { PipelineError } from './errors.ts';

const NAME = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,62}$/,
    'must be 1 to 63 of a-z, 0-9, _ and -, and begin with a letter or digit',
  );
const TOPIC = z
  .string()
  .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,200}$/, 'must be 1 to 200 of A-Z, a-z, 0-9, ".", _ and -');
const ADDRESS = z.string().regex(/^[^\s/:]+:\d{1,5}$/, 'must be host:port');
const VARIABLE = z
  .string()
  .regex(/^[A-Z_][A-Z0-9_]*$/, 'must be the name of an environment variable, never a secret itself');

const Source = z.strictObject({
  url: z.url({ protocol: /^(https?|file)$/, error: 'must be a URL of http, https or file' }).optional(),
  format: z.enum(['json-array', 'ndjson']).default('json-array'),
  topic: TOPIC,
  tokenVariable: VARIABLE.optional(),
});

const Temporal = z.strictObject({
  address: ADDRESS.default('127.0.0.1:7233'),
  namespace: z.string().min(1).default('default'),
  taskQueue: NAME.default('ingest'),
  uiUrl: z.url().default('http://127.0.0.1:8233'),
});

const Kafka = z.strictObject({
  brokers: z.array(ADDRESS).min(1).default(['127.0.0.1:9092']),
  partitions: z.int().min(1).max(1000).default(6),
  replicationFactor: z.int().min(1).max(9).default(1),
});

const Hdfs = z.strictObject({
  nameNodes: z
    .array(z.url({ protocol: /^https?$/ }))
    .min(1)
    .default(['http://127.0.0.1:9870']),
  user: z.string().min(1).default('hdfs'),
  warehouse: z
    .string()
    .regex(/^(\/[A-Za-z0-9_.-]+)+$/, 'must be an absolute path, as /warehouse')
    .default('/warehouse'),
});

const Worker = z.strictObject({
  staging: z.string().min(1).default('.services/staging'),
  stagingBytes: z
    .int()
    .min(1)
    .default(20 * 2 ** 30),
  threads: z.int().min(1).max(64).default(2),
  healthPort: z.int().min(0).max(65535).default(8235),
});

const Limits = z.strictObject({
  contentBytes: z
    .int()
    .min(1)
    .default(16 * 2 ** 30),
  recordBytes: z.int().min(1).max(900_000).default(900_000),
  batchBytes: z
    .int()
    .min(1)
    .default(64 * 2 ** 20),
  batchMessages: z.int().min(1).default(50_000),
  checkpointInterval: z.int().min(1).default(20),
});

const Settings = z.strictObject({
  temporal: Temporal.prefault({}),
  kafka: Kafka.prefault({}),
  hdfs: Hdfs.prefault({}),
  worker: Worker.prefault({}),
  limits: Limits.prefault({}),
  sources: z.record(NAME, Source),
});

/** A customer's feed, without its name. */
export type SourceSettings = z.infer<typeof Source>;

/** All of `pipeline.yaml`, its defaults filled in. */
export type Settings = z.infer<typeof Settings>;

/** Where settings are read from unless PIPELINE_CONFIG says otherwise. */
export const SETTINGS_FILE = 'pipeline.yaml';

/**
 * Reads and checks a settings file. Relative folders and `file:` URLs in it are relative to the file.
 * @throws {PipelineError} SETTINGS_INVALID, naming each key that is off, its value and what is allowed.
 */
export function readSettings(file = process.env['PIPELINE_CONFIG'] ?? SETTINGS_FILE): Settings {
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
  return { ...settings, worker: { ...settings.worker, staging: resolve(folder, settings.worker.staging) } };
}

/**
 * Checks the text of a settings file.
 * @param text YAML 1.2.
 * @param file Its name, for messages.
 * @throws {PipelineError} SETTINGS_INVALID
 */
export function parseSettings(text: string, file: string): Settings {
  const document = parseDocument(text, { prettyErrors: true });
  const [syntax] = document.errors;
  if (syntax !== undefined)
    throw new PipelineError('SETTINGS_INVALID', `${file} is not YAML: ${syntax.message}`);
  const values: unknown = document.toJS();
  const parsed = Settings.safeParse(values);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `  ${describe(issue, values)}`);
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
export function defaultSourceOf(settings: Settings, topic: string): string {
  const names = Object.keys(settings.sources).filter((name) => settings.sources[name]?.topic === topic);
  const found = names.find((name) => settings.sources[name]?.url === undefined) ?? names[0];
  if (found === undefined)
    throw new PipelineError('SOURCE_UNKNOWN', `no source of pipeline.yaml has the topic ${topic}`);
  return found;
}

function describe(issue: z.core.$ZodIssue, values: unknown): string {
  const key = issue.path.map(String).join('.') || '(the whole file)';
  const value = issue.path.reduce<unknown>(
    (at, part) =>
      typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[part] : undefined,
    values,
  );
  const shown = value === undefined ? 'missing' : JSON.stringify(value);
  const allowed =
    issue.code === 'unrecognized_keys'
      ? `has keys that do not exist: ${issue.keys.join(', ')}`
      : issue.message;
  return issue.code === 'unrecognized_keys' ? `${key}: ${allowed}` : `${key}: ${shown}: ${allowed}`;
}
