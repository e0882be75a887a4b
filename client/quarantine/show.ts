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

/** What `pipeline quarantine show` takes. */
export interface ShowOptions {
  readonly full?: boolean;
  readonly raw?: boolean;
  readonly output?: string;
  readonly json?: boolean;
}

/** So many bytes of a payload are shown unless all are asked for. */
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

/** `pipeline quarantine show REF`: everything that is known of one row. */
export async function showQuarantined(reference: string, options: ShowOptions): Promise<void> {
  const condition = conditionOf(parseReference(reference));
  if (options.raw === true && options.output === undefined && isOutputTerminal())
    throw new PipelineError(
      'USAGE_INVALID',
      '--raw writes bytes as they are, which could steer a terminal: send them to a file or a pipe',
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
      `${reference} can be ${known.reference} or ${other.reference}: give more of it`,
    );
  }
  return known;
}

async function bytesOf(
  connection: DuckDBConnection,
  condition: string,
  most: number | undefined,
): Promise<(Uint8Array | null)[]> {
  const payload = most === undefined ? 'payload' : `array_slice(payload, 1, ${most})`;
  const read = await connection.runAndReadAll(`SELECT key, ${payload} FROM listed WHERE ${condition}`);
  return (read.getRows()[0] ?? []).map((value) => (value instanceof DuckDBBlobValue ? value.bytes : null));
}

/** What became of a replay, as far as the tables say. */
async function replayStateOf(
  { connection, deliveries }: OpenQuarantine,
  { kafka_topic, replayed_at, replay_partition, replay_offset }: Known,
): Promise<'not replayed' | 'not landed yet' | 'in quarantine again' | 'landed'> {
  if (replayed_at === null) return 'not replayed';
  const position = deliveries?.txns.get(`${kafka_topic}/${replay_partition ?? ''}`) ?? 0n;
  if (position <= BigInt(replay_offset ?? 0)) return 'not landed yet';
  const again = await connection.runAndReadAll(
    'SELECT 1 FROM quarantine WHERE kafka_topic = $1 AND kafka_partition = $2 AND kafka_offset = $3',
    [kafka_topic, replay_partition, BigInt(replay_offset ?? 0)],
  );
  return again.currentRowCount > 0 ? 'in quarantine again' : 'landed';
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
  const { kafka_topic: topic, replay_partition: partition, replay_offset: offset } = known;
  const at = (name: string, value: string): string => `${name.padEnd(13)} ${value}`;
  return [
    at('reference', shortReference(known.reference)),
    at('source', known.source),
    ...(known.chunk === null
      ? [
          at(
            'message',
            `topic ${topic}, partition ${known.kafka_partition ?? ''}, offset ${known.kafka_offset ?? ''}`,
          ),
        ]
      : [at('record', `of topic ${topic}, chunk ${known.chunk}, position ${known.chunk_position ?? ''}`)]),
    at('published at', known.published_at ?? 'never, or with no time of the years 1 to 9999'),
    at('ingested on', known.ingested_on),
    at('refused by', known.step),
    at('path', known.path || '(the whole)'),
    at('reason', known.reason),
    at('key', key === null ? '(none)' : escapeBytes(key).join('\\n')),
    ...headerLines(known.headers).map((line) => at('header', line)),
    at(
      'replay',
      state === 'not replayed' ? state : `${state}, as ${topic}/${partition ?? ''}/${offset ?? ''}`,
    ),
    ...(known.replayed_at === null
      ? []
      : [at('replayed at', known.replayed_at), at('by', known.command ?? '')]),
    ...payloadLines(known.size, payload),
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
    ...(isWhole
      ? []
      : [`(the first ${payload.length} bytes; --full shows all, --raw writes them as they are)`]),
  ];
}

async function writeRaw(payload: Uint8Array, output: string | undefined): Promise<void> {
  if (output !== undefined)
    await writeFileAtomically(output, { force: true }, (path) => writeFile(path, payload));
  else await writeBytes(payload);
}
