import { z } from 'zod';
import { Settings } from '../model/settings.ts';
import { code, madeFrom, markdownTable } from './docs-markdown.ts';

/** The part of JSON Schema that zod generates for the settings. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB'] as const;

/** The meaning of each environment variable, by name, without those that other programs define. */
export const VARIABLES: Readonly<Record<string, string>> = {
  PIPELINE_CONFIG:
    'The settings file of the command line and the worker. Default: `pipeline.yaml` in the current folder.',
  PIPELINE_SERVICES: 'The folder of the demo’s servers: data, logs and pids. Default: `.services`.',
  LOG_LEVEL:
    'The log level: `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`. The worker’s default is `info`, the command line’s `error`.',
  XDG_CACHE_HOME:
    'The cache of table files and of the servers’ programs, in its folder `assessment-pipeline`. Default: `~/.cache`.',
  TEMPORAL_CLI:
    'The `temporal` program for the servers. Default: the one on the `PATH`, else one that is built.',
  JAVA_HOME: 'The Java for Kafka and HDFS. Default: the one on the `PATH`.',
  PIPELINE_WORKFLOW_BUNDLE:
    'The workflow bundle that `worker/bundle-workflows.js` wrote. Default: the worker bundles the workflows when it starts.',
  OTEL_EXPORTER_OTLP_ENDPOINT:
    'The OpenTelemetry collector for traces of the worker and the command line, such as `http://127.0.0.1:4318`. Without it there are no traces. OpenTelemetry’s other variables apply too.',
  PLATFORM_TOKEN:
    'The bearer token that the simulated customer of `simulator/` requires. Without it, it requires none.',
};

/** The page of all settings. */
export function settingsPage(): string {
  const root = z.toJSONSchema(Settings, { io: 'input' }) as Schema;
  const sections = Object.entries(root.properties ?? {}).map(([name, schema]) => section(name, schema));
  return [
    madeFrom('model/settings.ts'),
    '# Settings',
    'All keys of `pipeline.yaml`. Unknown keys and invalid values are errors that name the key, its line and what is allowed; they show the value only if it cannot be a secret. Secrets are never in the file: it has the names of environment variables.',
    ...sections,
    '## Environment variables',
    markdownTable(
      ['Variable', 'Meaning'],
      Object.entries(VARIABLES).map(([name, meaning]) => [code(name), meaning]),
    ),
  ].join('\n\n');
}

function section(name: string, schema: Schema): string {
  const { additionalProperties: entry } = schema;
  const named = typeof entry === 'object';
  const object = named ? entry : schema;
  const prefix = named ? `${name}.NAME` : name;
  const head = ['Key', 'Type', 'Default', 'Meaning'];
  return `## ${name}\n\n${required(name, schema.description)}\n\n${markdownTable(head, rowsOf(prefix, object))}`;
}

/** Returns a row for each key of an object, each followed by the rows of its nested keys. */
function rowsOf(prefix: string, object: Schema): string[][] {
  return Object.entries(object.properties ?? {}).flatMap(([name, property]) => {
    const key = `${prefix}.${name}`;
    const isRequired = object.required?.includes(name) === true;
    const meaning = required(key, property.description);
    const row = [code(key), typeOf(property), defaultOf(name, property, isRequired), meaning];
    return [row, ...rowsOf(key, property)];
  });
}

function typeOf({ type, enum: choices, minimum, maximum, items, properties }: Schema): string {
  if (choices !== undefined) return choices.map(code).join(' or ');
  if (type === 'array' && items !== undefined) return `list of ${typeOf(items)}s, at least one`;
  if (type === 'object' && properties === undefined) return 'object';
  if (type === 'object') return 'object, see below';
  if (type !== 'integer') return type === 'string' ? 'text' : required('type', type);
  const most = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? 'on' : `to ${maximum}`;
  return `integer from ${minimum ?? 0} ${most}`;
}

function defaultOf(key: string, { default: value }: Schema, isRequired: boolean): string {
  if (value === undefined) return isRequired ? 'required' : 'none';
  const text = code(typeof value === 'string' ? value : JSON.stringify(value));
  return key.endsWith('Bytes') && typeof value === 'number' ? `${text}${sizeOf(value)}` : text;
}

/** Formats a round number of bytes, as ` (20 GiB)`; other numbers as nothing. */
function sizeOf(bytes: number): string {
  const power = Math.floor(Math.log2(bytes) / 10);
  const size = bytes / 2 ** (10 * power);
  return power > 0 && Number.isInteger(size) ? ` (${size} ${UNITS[power] ?? ''})` : '';
}

function required(what: string, text: string | undefined): string {
  if (text === undefined || text === '')
    throw new TypeError(`model/settings.ts has no description of ${what}`);
  return text;
}
