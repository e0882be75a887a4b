import { PipelineError } from '../../model/errors.ts';

/** What names a row of `quarantine`: where its message stands, or which record of which chunk it was. */
export type MessageReference =
  | { readonly topic: string; readonly partition: number; readonly offset: bigint }
  | {
      readonly source: string;
      readonly format: string;
      /** The SHA-256 of the chunk's content, or its first digits. */
      readonly sha256: string;
      /** The run that ingested the content again, as the chunk's id has it: `-` and its id, or nothing. */
      readonly again: string;
      /** The chunk's place among those of its content, as `0of3`. */
      readonly chunk: string;
      readonly position: number;
    };

const MESSAGE = /^([A-Za-z0-9._-]+)\/(\d{1,9})\/(\d{1,18})$/;
const RECORD =
  /^([a-z0-9_-]+)\/([a-z-]+)-([0-9a-f]{6,64})((?:-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?)\/(\d{1,7}of\d{1,7}):(\d{1,9})$/;

/** So many digits of a content's SHA-256 are shown. */
const SHOWN_DIGITS = 12;

/**
 * Reads what a person types to name a row: `topic/partition/offset`, or `source/format-content/chunk:position`, where
 * six digits or more of the content's SHA-256 are enough.
 * @throws {PipelineError} QUARANTINE_UNKNOWN when it is neither.
 */
export function parseReference(text: string): MessageReference {
  const [, topic, partition, offset] = MESSAGE.exec(text) ?? [];
  if (topic !== undefined) return { topic, partition: Number(partition), offset: BigInt(offset ?? '0') };
  const record = recordIn(text);
  if (record !== undefined) return record;
  throw new PipelineError(
    'QUARANTINE_UNKNOWN',
    `${JSON.stringify(text)} names no place: it must be topic/partition/offset, as attempts-pearson/0/17, or for a ` +
      'record refused at publish source/format-content/chunk:position, as pearson/ndjson-9f86d081884c/0of1:3',
  );
}

/** A reference as it is shown: the content's SHA-256 in a chunk's is cut, and still can be typed. */
export function shortReference(reference: string): string {
  const record = recordIn(reference);
  if (record === undefined) return reference;
  const { source, format, sha256, again, chunk, position } = record;
  return `${source}/${format}-${sha256.slice(0, SHOWN_DIGITS)}${again}/${chunk}:${position}`;
}

function recordIn(text: string): Extract<MessageReference, { readonly sha256: string }> | undefined {
  const [, source, format, sha256, again = '', chunk, position] = RECORD.exec(text) ?? [];
  if (source === undefined || format === undefined || sha256 === undefined || chunk === undefined)
    return undefined;
  return { source, format, sha256, again, chunk, position: Number(position) };
}

/** The condition of SQL for a place, over the columns of `quarantine`; every part of it is checked above. */
export function conditionOf(place: MessageReference): string {
  if ('topic' in place) {
    const { topic, partition, offset } = place;
    return `kafka_topic = '${topic}' AND kafka_partition = ${partition} AND kafka_offset = ${offset}`;
  }
  const { source, format, sha256, again, chunk, position } = place;
  const id = `${source}/${format}-${sha256}[0-9a-f]*${again}/${chunk}`;
  return `chunk_position = ${position} AND regexp_full_match(chunk, '${id}')`;
}
