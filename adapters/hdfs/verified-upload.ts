import { dirname } from 'node:path/posix';
import { PipelineError } from '../../model/errors.ts';
import { digestsOf } from './checksum.ts';
import { HdfsError, type FileChecksum, type WebHdfs } from './webhdfs.ts';

/** Where HDFS holds no file there is no checksum to compare with, and any block size will do. */
const ANY_BLOCK_BYTES = 1 << 27;

/** A file that HDFS holds as it was sent. */
export interface StoredFile {
  /** Absolute. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of its bytes, in hexadecimal digits. */
  readonly sha256: string;
  /** Milliseconds since 1970. */
  readonly modifiedAtMs: number;
}

/** Where files are written to. */
export interface Store {
  readonly hdfs: WebHdfs;
  /** The folders that were made here, and need not be made again. */
  readonly madeFolders: Set<string>;
}

/**
 * Writes a file under a temporary name and checks there that HDFS holds what was sent: a writer that dies,
 * or a lost answer, leaves a shorter file that looks whole.
 * @param source The bytes, or the name of a local file.
 * @throws {PipelineError} HDFS_DAMAGED when length or checksum differ; the temporary file is removed.
 */
export async function storeTemporary(
  hdfs: WebHdfs,
  source: Buffer | { readonly file: string },
  temporary: string,
): Promise<StoredFile> {
  await hdfs.create(temporary, source);
  const [status, stored] = await Promise.all([hdfs.status(temporary), checksumOf(hdfs, temporary)]);
  const sent = await digestsOf(source, status?.blockSize ?? ANY_BLOCK_BYTES);
  if (status?.length !== sent.bytes || stored?.bytes !== sent.hdfs.bytes) {
    await hdfs.delete(temporary);
    throw damaged(temporary, sent.bytes, status?.length);
  }
  return { path: temporary, bytes: sent.bytes, sha256: sent.sha256, modifiedAtMs: status.modifiedAtMs };
}

/**
 * Writes a small file under a temporary name, and reads it there: HDFS holds what was sent. That asks less of it than
 * a length and a checksum.
 * @throws {PipelineError} HDFS_DAMAGED when other bytes are there; the temporary file is removed.
 */
export async function storeBytes(hdfs: WebHdfs, bytes: Buffer, temporary: string): Promise<void> {
  await hdfs.create(temporary, bytes);
  const stored = await hdfs.readIfExists(temporary);
  if (stored?.equals(bytes) === true) return;
  await hdfs.delete(temporary);
  throw damaged(temporary, bytes.length, stored?.length);
}

/**
 * Writes a file to its name, checked before it is there, so that the name never holds anything else.
 * Where an earlier try left the same bytes under that name, they are kept.
 * @param nameOf Gives its absolute path from the SHA-256 of its bytes.
 * @throws {PipelineError} HDFS_DAMAGED when the name holds other bytes, or what was sent did not arrive.
 */
export async function storeFile(
  { hdfs, madeFolders }: Store,
  localFile: string,
  nameOf: (sha256: string) => string,
  temporary: string,
): Promise<StoredFile> {
  const stored = await storeTemporary(hdfs, { file: localFile }, temporary);
  const path = nameOf(stored.sha256);
  const folder = dirname(path);
  if (!madeFolders.has(folder)) await hdfs.makeFolder(folder);
  madeFolders.add(folder);
  try {
    await hdfs.rename(temporary, path);
    return { ...stored, path };
  } catch (error) {
    if (!(error instanceof HdfsError)) throw error;
    if (isNotFound(error)) {
      // Or the folder is: then the next try makes it.
      madeFolders.delete(folder);
      throw missingError(temporary, error);
    }
    // Either an earlier try's file stands there, or this rename was carried out and its answer lost.
    const mayStand = error.ambiguous || error.exception === 'FileAlreadyExistsException';
    if (!mayStand) throw error;
  }
  const status = await hdfs.status(path);
  const sent = await digestsOf({ file: localFile }, status?.blockSize ?? ANY_BLOCK_BYTES);
  // It can be removed meanwhile: by another run that wrote the same, and does not need it.
  const found = status === undefined ? undefined : await checksumOf(hdfs, path);
  await hdfs.delete(temporary);
  if (status?.length !== sent.bytes || found?.bytes !== sent.hdfs.bytes)
    throw damaged(path, sent.bytes, status?.length);
  return { ...stored, path, modifiedAtMs: status.modifiedAtMs };
}

async function checksumOf(hdfs: WebHdfs, path: string): Promise<FileChecksum | undefined> {
  try {
    return await hdfs.checksum(path);
  } catch (error) {
    if (error instanceof HdfsError && isNotFound(error)) return undefined;
    throw error;
  }
}

/** Whether a rename failed because what was to be renamed is not there: somebody else removed it. */
export function isNotFound(error: HdfsError): boolean {
  return error.exception === 'FileNotFoundException' && !error.ambiguous;
}

/** The error for it. What was sent can be sent again. */
export function missingError(temporary: string, cause: HdfsError): PipelineError {
  return new PipelineError('HDFS_DAMAGED', `${temporary} was removed before it got its name`, { cause });
}

function damaged(path: string, sent: number, length: number | undefined): PipelineError {
  const holds = length === undefined ? 'nothing' : `${length} bytes, or others`;
  return new PipelineError('HDFS_DAMAGED', `${path} holds ${holds}, where ${sent} bytes were sent`);
}
