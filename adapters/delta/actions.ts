import { z } from 'zod';
import { PipelineError, messageOf } from '../../model/errors.ts';

/** The actions of the Delta protocol that this program reads or writes (PROTOCOL.md of delta-io/delta). */
const Protocol = z.looseObject({ minReaderVersion: z.int(), minWriterVersion: z.int() });

const Metadata = z.looseObject({
  id: z.string(),
  schemaString: z.string(),
  partitionColumns: z.array(z.string()),
});

/**
 * A data file's path in the log: relative to the table's folder and URI-encoded (PROTOCOL.md, "Add File and Remove
 * File"). Absolute URIs, which the protocol allows too, are rejected: they could name any file.
 */
const FilePath = z.string().superRefine((path, context) => {
  const problem = findPathProblem(path);
  if (problem !== undefined)
    context.addIssue({ code: 'custom', message: `the path ${JSON.stringify(path)} ${problem}` });
});

function findPathProblem(path: string): string | undefined {
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

const Txn = z.object({
  appId: z.string(),
  version: z.int(),
  /** Milliseconds since 1970. */
  lastUpdated: z.int().nullish(),
});

/** The schema of the `add` action. */
export const AddFile = z.object({
  path: FilePath,
  partitionValues: z.record(z.string(), z.string().nullable()),
  /** Bytes. */
  size: z.int(),
  /** Milliseconds since 1970. */
  modificationTime: z.int(),
  dataChange: z.boolean(),
  /** Statistics as a JSON document. */
  stats: z.string().nullish(),
  tags: z.record(z.string(), z.string().nullable()).nullish(),
});

const Remove = z.looseObject({
  path: FilePath,
  /** Milliseconds since 1970. */
  deletionTimestamp: z.int().nullish(),
  /** False if files added by the same entry have the same rows. */
  dataChange: z.boolean().nullish(),
  /** Whether the next two are set. */
  extendedFileMetadata: z.boolean().nullish(),
  partitionValues: z.record(z.string(), z.string().nullable()).nullish(),
  /** Bytes. */
  size: z.int().nullish(),
});

const CommitInfo = z.record(z.string(), z.unknown());

const Action = z.looseObject({
  protocol: Protocol.nullish(),
  metaData: Metadata.nullish(),
  txn: Txn.nullish(),
  add: AddFile.nullish(),
  remove: Remove.nullish(),
  commitInfo: CommitInfo.nullish(),
});

/** One line of a log entry or one row of a checkpoint; exactly one field is set. */
export type Action = z.infer<typeof Action>;

/** The `add` action: a live data file. */
export type AddFile = z.infer<typeof AddFile>;

/** The `remove` action (tombstone): a data file that a compaction or another program replaced or deleted. */
export type RemovedFile = z.infer<typeof Remove>;

/** The `txn` action: the version of an application's last transaction. */
export type Transaction = z.infer<typeof Txn>;

/** The `protocol` action: the versions that a table requires of its readers and writers. */
export type Protocol = z.infer<typeof Protocol>;

/** The `metaData` action: a table's schema and partition columns. */
export type Metadata = z.infer<typeof Metadata>;

/**
 * Parses a log entry.
 * @param text One JSON object per line.
 * @param file The entry's path, for errors.
 * @throws {PipelineError} TABLE_LOG_INVALID, naming the line; also for an empty entry.
 */
export function parseActions(text: string, file: string): Action[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) throw new PipelineError('TABLE_LOG_INVALID', `${file} is empty`);
  return lines.map((line, index) => {
    try {
      return parseAction(JSON.parse(line));
    } catch (cause) {
      throw new PipelineError(
        'TABLE_LOG_INVALID',
        `${file}, line ${index + 1}, is not a Delta action: ${messageOf(cause)}`,
        { cause },
      );
    }
  });
}

/**
 * Validates one action.
 * @throws {TypeError} Naming the invalid fields.
 */
export function parseAction(value: unknown): Action {
  const parsed = Action.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TypeError(
    parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
  );
}

/** Formats a log entry: one action per line. Deterministic, so equal entries have equal bytes. */
export function formatActions(actions: readonly Action[]): string {
  return actions.map((action) => `${JSON.stringify(action)}\n`).join('');
}
