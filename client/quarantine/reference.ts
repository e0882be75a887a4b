import { PipelineError } from '../../model/errors.ts';

/** What names a row of `quarantine`: where its message stands, or which record of which chunk it was. */
export type Place =
  | { readonly topic: string; readonly partition: number; readonly offset: bigint }
  | {
      readonly source: string;
      /** The SHA-256 of the chunk's content, or its first digits. */
      readonly content: string;
      readonly chunk: number;
      readonly position: number;
    };

const MESSAGE = /^([A-Za-z0-9._-]+)\/(\d{1,9})\/(\d{1,18})$/;
const RECORD = /^([a-z0-9_-]+)\/([0-9a-f]{6,64})\/(\d{1,9}):(\d{1,9})$/;

/** So many digits of a content's SHA-256 are shown. */
const SHOWN_DIGITS = 12;

/**
 * Reads what a person types to name a row: `topic/partition/offset`, or `source/content/chunk:position`, where
 * six digits or more of the content's SHA-256 are enough.
 * @throws {PipelineError} QUARANTINE_UNKNOWN when it is neither.
 */
export function parseReference(text: string): Place {
  const [, topic, partition, offset] = MESSAGE.exec(text) ?? [];
  if (topic !== undefined) return { topic, partition: Number(partition), offset: BigInt(offset ?? '0') };
  const [, source, content, chunk, position] = RECORD.exec(text) ?? [];
  if (source !== undefined && content !== undefined)
    return { source, content, chunk: Number(chunk), position: Number(position) };
  throw new PipelineError(
    'QUARANTINE_UNKNOWN',
    `${JSON.stringify(text)} names no place: it must be topic/partition/offset, as attempts-pearson/0/17, or for a ` +
      'record refused at publish source/content/chunk:position, as pearson/9f86d081884c/0:3',
  );
}

/** A reference as it is shown: the content's SHA-256 in a chunk's is cut, and still can be typed. */
export function shortReference(reference: string): string {
  const [, source, content, chunk, position] = RECORD.exec(reference) ?? [];
  if (source === undefined || content === undefined) return reference;
  return `${source}/${content.slice(0, SHOWN_DIGITS)}/${chunk ?? ''}:${position ?? ''}`;
}

/** The condition of SQL for a place, over the columns of `quarantine`; every part of it is checked above. */
export function conditionOf(place: Place): string {
  if ('topic' in place) {
    const { topic, partition, offset } = place;
    return `kafka_topic = '${topic}' AND kafka_partition = ${partition} AND kafka_offset = ${offset}`;
  }
  const { source, content, chunk, position } = place;
  return `chunk_position = ${position} AND starts_with(chunk, '${source}/${content}') AND ends_with(chunk, '/${chunk}')`;
}
