import { dirname } from 'node:path/posix';
import { PipelineError } from '../../model/errors.ts';
import { digestsOf } from './checksum.ts';
import type { FileChecksum } from './answers.ts';
import { HdfsError } from './errors.ts';
import type { WebHdfs } from './webhdfs.ts';

/** The block size to hash with if the file is missing in HDFS, so that there is no checksum to compare. */
const DEFAULT_BLOCK_BYTES = 1 << 27;

/** An uploaded and verified file. */
export interface StoredFile {
  /** Absolute. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of the content, hexadecimal. */
  readonly sha256: string;
  /** Milliseconds since 1970. */
  readonly modifiedAtMs: number;
}

/** The target of uploads. */
export interface Store {
  readonly hdfs: WebHdfs;
  /** A cache of folders that exist; {@link storeFile} updates it. */
  readonly madeFolders: Set<string>;
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
  source: Buffer | { readonly file: string },
  temporary: string,
): Promise<StoredFile> {
  await hdfs.create(temporary, source);
  const [status, stored] = await Promise.all([hdfs.status(temporary), checksumOf(hdfs, temporary)]);
  const sent = await digestsOf(source, status?.blockSize ?? DEFAULT_BLOCK_BYTES);
  if (status?.length !== sent.bytes || stored?.bytes !== sent.hdfs.bytes) {
    await hdfs.delete(temporary);
    throw damaged(temporary, sent.bytes, status?.length);
  }
  return { path: temporary, bytes: sent.bytes, sha256: sent.sha256, modifiedAtMs: status.modifiedAtMs };
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

/**
 * Uploads a file to a temporary path, verifies it, and renames it, so the final path never has incomplete content.
 * Idempotent: a file of an earlier attempt with the same content is kept.
 * @param nameOf Returns the absolute path for the SHA-256 of the content.
 * @param temporary An unused path.
 * @throws {PipelineError} HDFS_DAMAGED when the upload was corrupted, or the path has other content; STAGING_LOST for a
 * local file that cannot be read.
 * @throws {HdfsError} As {@link WebHdfs.create} and {@link WebHdfs.rename}.
 */
export async function storeFile(
  store: Store,
  localFile: string,
  nameOf: (sha256: string) => string,
  temporary: string,
): Promise<StoredFile> {
  const stored = await storeTemporary(store.hdfs, { file: localFile }, temporary);
  const path = nameOf(stored.sha256);
  if (await renameIfFree(store, temporary, path)) return { ...stored, path };
  const modifiedAtMs = await verifyExisting(store.hdfs, { path, localFile, temporary });
  return { ...stored, path, modifiedAtMs };
}

/** Renames a file into its folder, which is created if necessary. Returns false if the path may already exist. */
async function renameIfFree({ hdfs, madeFolders }: Store, temporary: string, path: string): Promise<boolean> {
  const folder = dirname(path);
  if (!madeFolders.has(folder)) await hdfs.makeFolder(folder);
  madeFolders.add(folder);
  try {
    await hdfs.rename(temporary, path);
    return true;
  } catch (error) {
    if (!(error instanceof HdfsError)) throw error;
    if (isNotFound(error)) {
      // The folder may be missing instead: the next attempt creates it.
      madeFolders.delete(folder);
      throw missingError(temporary, error);
    }
    // The file of an earlier attempt exists, or this rename succeeded and its answer was lost.
    if (error.ambiguous || error.exception === 'FileAlreadyExistsException') return false;
    throw error;
  }
}

/**
 * Deletes the temporary file, and makes sure that the file at the path has the local file's content.
 * @returns The time of the file's modification, in milliseconds since 1970.
 * @throws {PipelineError} HDFS_DAMAGED
 */
async function verifyExisting(
  hdfs: WebHdfs,
  { path, localFile, temporary }: Readonly<Record<'path' | 'localFile' | 'temporary', string>>,
): Promise<number> {
  const status = await hdfs.status(path);
  const sent = await digestsOf({ file: localFile }, status?.blockSize ?? DEFAULT_BLOCK_BYTES);
  // Another run that uploaded the same file and does not need it may have deleted it.
  const found = status === undefined ? undefined : await checksumOf(hdfs, path);
  await hdfs.delete(temporary);
  if (status?.length !== sent.bytes || found?.bytes !== sent.hdfs.bytes)
    throw damaged(path, sent.bytes, status?.length);
  return status.modifiedAtMs;
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
