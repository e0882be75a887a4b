import { z } from 'zod';
import type { Answered } from './cluster.ts';
import { unexpectedAnswer } from './errors.ts';
import { baseName } from './paths.ts';

/** The status of a file or folder (FileStatus of WebHDFS). */
export interface FileStatus {
  /** Absolute. */
  readonly path: string;
  /** The last segment of the path; empty for the root. */
  readonly name: string;
  readonly type: 'FILE' | 'DIRECTORY';
  /** The inode's id, which a renamed file keeps and no other file has. */
  readonly fileId: number;
  /** In bytes; 0 for a folder. */
  readonly length: number;
  /** Milliseconds since 1970 UTC, by the NameNode's clock. */
  readonly modifiedAtMs: number;
  /** 0 for a folder. */
  readonly replication: number;
  /** In bytes; 0 for a folder. */
  readonly blockSize: number;
  readonly owner: string;
  readonly group: string;
  /** Octal, as `644`. */
  readonly permission: string;
}

/** A file's checksum (FileChecksum of WebHDFS); it depends on the content, the chunk size and the block size. */
export interface FileChecksum {
  /** For example `MD5-of-0MD5-of-512CRC32C`. */
  readonly algorithm: string;
  /** Hexadecimal. */
  readonly bytes: string;
  /** The length of the checksum in bytes. */
  readonly length: number;
}

const Status = z.object({
  pathSuffix: z.string(),
  type: z.enum(['FILE', 'DIRECTORY']),
  fileId: z.int(),
  length: z.int().min(0),
  modificationTime: z.int(),
  replication: z.int().min(0),
  blockSize: z.int().min(0),
  owner: z.string(),
  group: z.string(),
  permission: z.string(),
});

/** The answer of GETFILESTATUS. */
export const StatusAnswer = z.object({ FileStatus: Status });

/** The answer of LISTSTATUS_BATCH. */
export const ListAnswer = z.object({
  DirectoryListing: z.object({
    partialListing: z.object({ FileStatuses: z.object({ FileStatus: z.array(Status) }) }),
    remainingEntries: z.int().min(0),
  }),
});

/** The answer of MKDIRS and DELETE. */
export const BooleanAnswer = z.object({ boolean: z.boolean() });

/** The answer of GETFILECHECKSUM. */
export const ChecksumAnswer = z.object({
  FileChecksum: z.object({
    algorithm: z.string().min(1),
    bytes: z.string().regex(/^([0-9a-f]{2})+$/),
    length: z.int().min(1),
  }),
});

/** Converts a FileStatus of WebHDFS. */
export function statusOf(path: string, entry: z.infer<typeof Status>): FileStatus {
  const { type, fileId, length, modificationTime, replication, blockSize, owner, group, permission } = entry;
  const name = baseName(path);
  const modifiedAtMs = modificationTime;
  return { path, name, type, fileId, length, modifiedAtMs, replication, blockSize, owner, group, permission };
}

/**
 * Parses the JSON body of an answer.
 * @throws {HdfsError} If it does not match the schema.
 */
export function parseAnswer<T>(answer: Answered, shape: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(answer.body.toString('utf8'));
  } catch {
    throw unexpectedAnswer(answer.step, answer.status, 'its body is not JSON');
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.map(String).join('.')).join(', ');
  throw unexpectedAnswer(answer.step, answer.status, `its body has invalid fields: ${fields}`);
}
