import { z } from 'zod';
import { PipelineError, messageOf } from '../../model/errors.ts';

/** The actions of Delta's protocol that this program reads or writes (PROTOCOL.md of delta-io/delta). */
const Protocol = z.looseObject({ minReaderVersion: z.int(), minWriterVersion: z.int() });

const Metadata = z.looseObject({
  id: z.string(),
  schemaString: z.string(),
  partitionColumns: z.array(z.string()),
});

/**
 * A data file's path as a log has it: relative to the table's folder and URI-encoded (PROTOCOL.md, "Add File and Remove
 * File"). The protocol also allows an absolute URI, which no table of this program has, and which could name any file.
 */
const FilePath = z.string().superRefine((path, context) => {
  const fault = faultOfPath(path);
  if (fault !== undefined)
    context.addIssue({ code: 'custom', message: `the path ${JSON.stringify(path)} ${fault}` });
});

function faultOfPath(path: string): string | undefined {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(path) || path.startsWith('/'))
    return 'is absolute, which is not supported: each file must be in the folder of its table';
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return 'is not URI-encoded';
  }
  const isInside = decoded.split('/').every((segment) => !['', '.', '..'].includes(segment));
  return isInside
    ? undefined
    : 'has an empty, "." or ".." segment: each file must be in the folder of its table';
}

const Txn = z.object({ appId: z.string(), version: z.int() });

const Add = z.object({
  path: FilePath,
  partitionValues: z.record(z.string(), z.string().nullable()),
  /** Bytes. */
  size: z.int(),
  /** Milliseconds since 1970. */
  modificationTime: z.int(),
  dataChange: z.boolean(),
  /** Statistics as a JSON text. */
  stats: z.string().nullish(),
  tags: z.record(z.string(), z.string().nullable()).nullish(),
});

const Remove = z.looseObject({
  path: FilePath,
  /** Milliseconds since 1970. */
  deletionTimestamp: z.int().nullish(),
  /** False where files of the same entry have the same rows. */
  dataChange: z.boolean().nullish(),
});

const CommitInfo = z.record(z.string(), z.unknown());

const Action = z.looseObject({
  protocol: Protocol.nullish(),
  metaData: Metadata.nullish(),
  txn: Txn.nullish(),
  add: Add.nullish(),
  remove: Remove.nullish(),
  commitInfo: CommitInfo.nullish(),
});

/** One line of a log entry, or one row of a checkpoint: one of its fields is set. */
export type Action = z.infer<typeof Action>;

/** A data file that is part of a table. */
export type AddFile = z.infer<typeof Add>;

/** A data file that was part of a table: another program replaced or deleted it. */
export type RemovedFile = z.infer<typeof Remove>;

/** The versions that a table asks of its readers and writers. */
export type Protocol = z.infer<typeof Protocol>;

/** A table's schema, as Delta writes it. */
export type Metadata = z.infer<typeof Metadata>;

/**
 * The actions of a log entry.
 * @param text A JSON value a line.
 * @param file The entry's path, for messages.
 * @throws {PipelineError} TABLE_LOG_INVALID, naming the line.
 */
export function parseActions(text: string, file: string): Action[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) throw new PipelineError('TABLE_LOG_INVALID', `${file} is empty`);
  return lines.map((line, at) => {
    try {
      return parseAction(JSON.parse(line));
    } catch (cause) {
      throw new PipelineError(
        'TABLE_LOG_INVALID',
        `${file}, line ${at + 1}, is no Delta action: ${messageOf(cause)}`,
        { cause },
      );
    }
  });
}

/**
 * Checks one action.
 * @throws {Error} when it is none, naming the fields that are off.
 */
export function parseAction(value: unknown): Action {
  const parsed = Action.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TypeError(
    parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
  );
}

/** A log entry's text: a line an action. */
export function formatActions(actions: readonly Action[]): string {
  return actions.map((action) => `${JSON.stringify(action)}\n`).join('');
}

const Schema = z.object({ fields: z.array(z.object({ name: z.string(), type: z.unknown() })) });

/**
 * Makes sure that a table has all columns that are to be written, with their types, and the same partitions. Readers see
 * no other columns than those that the log names; so what a file held besides would be lost to them in silence.
 * @param table Its folder, for the message.
 * @throws {PipelineError} TABLE_OTHER_COLUMNS, naming the first that is missing or of another type, or the partitions.
 */
export function requireColumns(table: string, held: Metadata, wanted: Metadata): void {
  const types = new Map(fieldsOf(held).map(({ name, type }) => [name, JSON.stringify(type)]));
  for (const { name, type } of fieldsOf(wanted)) {
    const of = types.get(name);
    const is = JSON.stringify(type);
    if (of === is) continue;
    const what = of === undefined ? `has no column ${name}` : `has the column ${name} as ${of}, not as ${is}`;
    throw otherColumns(table, what);
  }
  const [of, is] = [held, wanted].map(({ partitionColumns }) => JSON.stringify(partitionColumns));
  if (of !== is) throw otherColumns(table, `is partitioned by ${of}, not by ${is}`);
}

function otherColumns(table: string, what: string): PipelineError {
  return new PipelineError('TABLE_OTHER_COLUMNS', `${table} was made with other columns: it ${what}`);
}

function fieldsOf({ schemaString }: Metadata): z.infer<typeof Schema>['fields'] {
  return Schema.parse(JSON.parse(schemaString)).fields;
}
