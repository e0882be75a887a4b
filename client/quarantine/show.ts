import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { DuckDBBlobValue, type DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import type { WrittenHeader } from '../../adapters/kafka/message-headers.ts';
import { PipelineError } from '../../model/errors.ts';
import { readSettings } from '../../model/settings.ts';
import { formatBytes } from '../../model/figures.ts';
import { print, printJson } from '../cli/output.ts';
import { isOutputTerminal, writeBytes } from '../cli/output/streams.ts';
import { writeFileAtomically } from '../query/file.ts';
import { toJson } from '../query/values.ts';
import { escapeBytes, wholeCharacters } from './escape.ts';
import { conditionOf, parseReference, shortReference } from './reference.ts';
import { withQuarantine, type OpenQuarantine } from './rows.ts';

/** The options of `pipeline quarantine show`. */
export interface ShowOptions {
  readonly full?: boolean;
  readonly raw?: boolean;
  readonly output?: string;
  readonly json?: boolean;
}

/** The number of payload bytes shown without --full. */
const SHOWN_BYTES = 4_096;

const Known = z.object({
  reference: z.string(),
  source: z.string(),
  kafka_topic: z.string(),
  kafka_partition: z.number().nullable(),
  kafka_offset: z.union([z.number(), z.string()]).nullable(),
  chunk: z.string().nullable(),
  chunk_position: z.number().nullable(),
  published_at: z.string().nullable(),
  ingested_on: z.string(),
  step: z.string(),
  path: z.string(),
  reason: z.string(),
  headers: z.string().nullable(),
  size: z.number(),
  replayed_at: z.string().nullable(),
  replay_partition: z.number().nullable(),
  replay_offset: z.union([z.number(), z.string()]).nullable(),
  command: z.string().nullable(),
});
type Known = z.infer<typeof Known>;

/** Runs `pipeline quarantine show REF`: shows one row. */
export async function showQuarantined(reference: string, options: ShowOptions): Promise<void> {
  const condition = conditionOf(parseReference(reference));
  if (options.raw === true && options.output === undefined && isOutputTerminal())
    throw new PipelineError(
      'USAGE_INVALID',
      '--raw writes raw bytes, which could control the terminal: redirect them to a file or a pipe',
    );
  await withQuarantine(readSettings(), async (quarantine) => {
    const { connection } = quarantine;
    const known = await findOne(connection, reference, condition);
    const whole = options.raw === true || options.output !== undefined || options.full === true;
    const [key = null, payload = null] = await bytesOf(
      connection,
      condition,
      whole ? undefined : SHOWN_BYTES,
    );
    if (options.raw === true || options.output !== undefined) {
      await writeRaw(payload ?? Buffer.alloc(0), options.output);
      return;
    }
    const state = await replayStateOf(quarantine, known);
    if (options.json === true) printJson(asJson(known, state, key, payload));
    else print(formatKnown(known, state, key, payload));
  });
}

async function findOne(connection: DuckDBConnection, reference: string, condition: string): Promise<Known> {
  const read = await connection.runAndReadAll(
    `SELECT * EXCLUDE (key, payload, came_at) FROM listed WHERE ${condition} LIMIT 2`,
  );
  const [known, other] = z.array(Known).parse(read.convertRowObjects(toJson));
  if (known === undefined) throw new PipelineError('QUARANTINE_UNKNOWN', `${reference} is not in quarantine`);
  if (other !== undefined) {
    throw new PipelineError(
      'QUARANTINE_UNKNOWN',
      `${reference} is ambiguous: ${known.reference} or ${other.reference}`,
    );
  }
  return known;
}

async function bytesOf(
  connection: DuckDBConnection,
  condition: string,
  limit: number | undefined,
): Promise<(Uint8Array | null)[]> {
  const payload = limit === undefined ? 'payload' : `array_slice(payload, 1, ${limit})`;
  const read = await connection.runAndReadAll(`SELECT key, ${payload} FROM listed WHERE ${condition}`);
  return (read.getRows()[0] ?? []).map((value) => (value instanceof DuckDBBlobValue ? value.bytes : null));
}

/** Returns the state of a row's replay, according to the tables. */
async function replayStateOf(
  { connection, deliveries }: OpenQuarantine,
  { kafka_topic, replayed_at, replay_partition, replay_offset }: Known,
): Promise<'not replayed' | 'not landed yet' | 'in quarantine again' | 'landed'> {
  if (replayed_at === null) return 'not replayed';
  const position = deliveries?.txns.get(`${kafka_topic}/${replay_partition ?? ''}`) ?? 0n;
  if (position <= BigInt(replay_offset ?? 0)) return 'not landed yet';
  const rowInQuarantine = await connection.runAndReadAll(
    'SELECT 1 FROM quarantine WHERE kafka_topic = $1 AND kafka_partition = $2 AND kafka_offset = $3',
    [kafka_topic, replay_partition, BigInt(replay_offset ?? 0)],
  );
  return rowInQuarantine.currentRowCount > 0 ? 'in quarantine again' : 'landed';
}

function asJson(known: Known, state: string, key: Uint8Array | null, payload: Uint8Array | null): object {
  const { headers, ...rest } = known;
  return {
    ...rest,
    key: key === null ? null : Buffer.from(key).toString('base64'),
    headers: headers === null ? null : (JSON.parse(headers) as unknown),
    replay: state,
    payload_base64: payload === null ? null : Buffer.from(payload).toString('base64'),
    payload_is_whole: (payload?.length ?? 0) === known.size,
  };
}

function formatKnown(
  known: Known,
  state: string,
  key: Uint8Array | null,
  payload: Uint8Array | null,
): string[] {
  return [
    field('reference', shortReference(known.reference)),
    field('source', known.source),
    originLine(known),
    field('published at', known.published_at ?? 'never, or with a time outside the years 1 to 9999'),
    field('ingested on', known.ingested_on),
    field('step', known.step),
    field('path', known.path || '(whole record)'),
    field('reason', known.reason),
    field('key', key === null ? '(none)' : escapeBytes(key).join('\\n')),
    ...headerLines(known.headers).map((line) => field('header', line)),
    ...replayLines(known, state),
    ...payloadLines(known.size, payload),
  ];
}

function field(name: string, value: string): string {
  return `${name.padEnd(13)} ${value}`;
}

/** Names the message, or the record of a chunk that was not published. */
function originLine({ kafka_topic: topic, chunk, ...known }: Known): string {
  return chunk === null
    ? field(
        'message',
        `topic ${topic}, partition ${known.kafka_partition ?? ''}, offset ${known.kafka_offset ?? ''}`,
      )
    : field('record', `of topic ${topic}, chunk ${chunk}, position ${known.chunk_position ?? ''}`);
}

function replayLines({ kafka_topic: topic, ...known }: Known, state: string): string[] {
  const position = `${topic}/${known.replay_partition ?? ''}/${known.replay_offset ?? ''}`;
  return [
    field('replay', state === 'not replayed' ? state : `${state}, as ${position}`),
    ...(known.replayed_at === null
      ? []
      : [field('replayed at', known.replayed_at), field('by', known.command ?? '')]),
  ];
}

function headerLines(headers: string | null): string[] {
  return (JSON.parse(headers ?? '[]') as WrittenHeader[]).map((header) => {
    const bytes = 'base64' in header ? Buffer.from(header.base64, 'base64') : Buffer.from(header.value ?? '');
    const value =
      !('base64' in header) && header.value === null ? '(no value)' : escapeBytes(bytes).join('\\n');
    return `${header.key}: ${value}`;
  });
}

function payloadLines(size: number, payload: Uint8Array | null): string[] {
  if (payload === null) return ['payload       (none)'];
  const isWhole = payload.length === size;
  const sum = isWhole ? `, SHA-256 ${createHash('sha256').update(payload).digest('hex')}` : '';
  return [
    `payload       ${size} bytes (${formatBytes(size)})${sum}`,
    ...escapeBytes(isWhole ? payload : wholeCharacters(payload)).map((line) => `  ${line}`),
    ...(isWhole ? [] : [`(the first ${payload.length} bytes; --full shows all, --raw writes the raw bytes)`]),
  ];
}

async function writeRaw(payload: Uint8Array, output: string | undefined): Promise<void> {
  if (output !== undefined)
    await writeFileAtomically(output, { force: true }, (path) => writeFile(path, payload));
  else await writeBytes(payload);
}
