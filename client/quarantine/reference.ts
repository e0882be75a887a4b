import { PipelineError } from '../../model/errors.ts';

/** Identifies a row of `quarantine`: by its message's offset, or by its chunk and position for an unpublished record. */
export type MessageReference =
  | { readonly topic: string; readonly partition: number; readonly offset: bigint }
  | {
      readonly source: string;
      readonly format: string;
      /** The SHA-256 of the chunk's content, or a prefix. */
      readonly sha256: string;
      /** `-` and the id of the run that ingested the content again, as in the chunk's id; or empty. */
      readonly again: string;
      /** The chunk's index and count, as `0of3`. */
      readonly chunk: string;
      readonly position: number;
    };

const MESSAGE = /^([A-Za-z0-9._-]+)\/(\d{1,9})\/(\d{1,18})$/;
const RECORD =
  /^([a-z0-9_-]+)\/([a-z-]+)-([0-9a-f]{6,64})((?:-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?)\/(\d{1,7}of\d{1,7}):(\d{1,9})$/;

/** The number of digits shown of a content's SHA-256. */
const SHOWN_DIGITS = 12;

/**
 * Parses a reference: `topic/partition/offset`, or `source/format-content/chunk:position`, in which six digits of the
 * content's SHA-256 are enough.
 * @throws {PipelineError} QUARANTINE_UNKNOWN if it is neither.
 */
export function parseReference(text: string): MessageReference {
  const [, topic, partition, offset] = MESSAGE.exec(text) ?? [];
  if (topic !== undefined) return { topic, partition: Number(partition), offset: BigInt(offset ?? '0') };
  const record = parseRecordReference(text);
  if (record !== undefined) return record;
  throw new PipelineError(
    'QUARANTINE_UNKNOWN',
    `${JSON.stringify(text)} is not a reference: expected topic/partition/offset, as attempts-pearson/0/17, or for a ` +
      'record quarantined at publish source/format-content/chunk:position, as pearson/ndjson-9f86d081884c/0of1:3',
  );
}

/** Returns a reference with a shortened SHA-256, which is still accepted as input. */
export function shortReference(reference: string): string {
  const record = parseRecordReference(reference);
  if (record === undefined) return reference;
  const { source, format, sha256, again, chunk, position } = record;
  return `${source}/${format}-${sha256.slice(0, SHOWN_DIGITS)}${again}/${chunk}:${position}`;
}

function parseRecordReference(
  text: string,
): Extract<MessageReference, { readonly sha256: string }> | undefined {
  const [, source, format, sha256, again = '', chunk, position] = RECORD.exec(text) ?? [];
  if (source === undefined || format === undefined || sha256 === undefined || chunk === undefined)
    return undefined;
  return { source, format, sha256, again, chunk, position: Number(position) };
}

/** Returns the SQL condition for a reference on the columns of `quarantine`. Its parts are safe: the patterns above match them. */
export function conditionOf(reference: MessageReference): string {
  if ('topic' in reference) {
    const { topic, partition, offset } = reference;
    return `kafka_topic = '${topic}' AND kafka_partition = ${partition} AND kafka_offset = ${offset}`;
  }
  const { source, format, sha256, again, chunk, position } = reference;
  const id = `${source}/${format}-${sha256}[0-9a-f]*${again}/${chunk}`;
  return `chunk_position = ${position} AND regexp_full_match(chunk, '${id}')`;
}
