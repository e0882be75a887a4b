import { PipelineError } from '../../model/errors.ts';
import { digestsOf } from './checksum.ts';
import type { FileChecksum } from './answers.ts';
import { HdfsError } from './errors.ts';
import type { LocalSource, WebHdfs } from './webhdfs.ts';

/** HDFS's default block size. The checksum of a file with one block does not depend on it. */
const DEFAULT_BLOCK_BYTES = 1 << 27;

/** An uploaded and verified file. */
export interface StoredFile {
  /** Absolute. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of the content, hexadecimal. */
  readonly sha256: string;
}

/** A stored content with its source. */
interface StoredContent {
  readonly source: LocalSource;
  readonly temporary: string;
  readonly stored: FileChecksum | undefined;
}

/**
 * Uploads a file to a temporary path and verifies its length and checksum: an interrupted upload leaves a truncated
 * file that looks complete. Not idempotent: retry with a new temporary path.
 * @param source The bytes, or a local file.
 * @throws {PipelineError} HDFS_DAMAGED when length or checksum differ, after deleting the file; STAGING_LOST for a
 * local file that cannot be read.
 * @throws {HdfsError} As {@link WebHdfs.create}.
 */
export async function storeTemporary(
  hdfs: WebHdfs,
  source: LocalSource,
  temporary: string,
): Promise<StoredFile> {
  await hdfs.create(temporary, source);
  const stored = await checksumOf(hdfs, temporary);
  const sent = await digestsOf(source, DEFAULT_BLOCK_BYTES);
  if (stored?.bytes !== sent.hdfs.bytes) await requireSameBlocks(hdfs, { source, temporary, stored });
  return { path: temporary, bytes: sent.bytes, sha256: sent.sha256 };
}

/**
 * Compares the checksum by the file's own block size, on which it depends.
 * @throws {PipelineError} HDFS_DAMAGED when it differs, after deleting the file.
 */
async function requireSameBlocks(hdfs: WebHdfs, { source, temporary, stored }: StoredContent): Promise<void> {
  const status = await hdfs.status(temporary);
  const sent = await digestsOf(source, status?.blockSize ?? DEFAULT_BLOCK_BYTES);
  if (status?.length === sent.bytes && stored?.bytes === sent.hdfs.bytes) return;
  await hdfs.delete(temporary);
  throw damaged(temporary, sent.bytes, status?.length);
}

/**
 * Uploads a small file to a temporary path and verifies it by reading it, in fewer requests than length and checksum
 * need. Not idempotent: retry with a new temporary path.
 * @throws {PipelineError} HDFS_DAMAGED when the content differs, after deleting the file.
 * @throws {HdfsError} As {@link WebHdfs.create}.
 */
export async function storeBytes(hdfs: WebHdfs, bytes: Buffer, temporary: string): Promise<void> {
  await hdfs.create(temporary, bytes);
  const stored = await hdfs.readIfExists(temporary);
  if (stored?.equals(bytes) === true) return;
  await hdfs.delete(temporary);
  throw damaged(temporary, bytes.length, stored?.length);
}

async function checksumOf(hdfs: WebHdfs, path: string): Promise<FileChecksum | undefined> {
  try {
    return await hdfs.checksum(path);
  } catch (error) {
    if (error instanceof HdfsError && isNotFound(error)) return undefined;
    throw error;
  }
}

/** Returns whether an error means a missing source file, unambiguously. */
export function isNotFound(error: HdfsError): boolean {
  return error.exception === 'FileNotFoundException' && !error.ambiguous;
}

/** Returns the error for a temporary file that another client deleted. Transient: the file can be uploaded again. */
export function missingError(temporary: string, cause: HdfsError): PipelineError {
  return new PipelineError('HDFS_DAMAGED', `${temporary} was deleted before it was renamed`, { cause });
}

function damaged(path: string, sent: number, length: number | undefined): PipelineError {
  const found = length === undefined ? 'is missing' : `has ${length} bytes or another checksum`;
  return new PipelineError('HDFS_DAMAGED', `${path} ${found} after an upload of ${sent} bytes`);
}
