import type { FileStatus, WebHdfs } from '../hdfs/webhdfs.ts';
import { CHECKPOINT_NAME, ENTRY_NAME, formatVersion, logFolder } from './log-paths.ts';

/** A file of a table's log that belongs to a version. */
export interface LogFile {
  /** Absolute. */
  readonly path: string;
  readonly version: number;
  /**
   * `entry`: the JSON of a version; `checkpoint`: a whole checkpoint or one part of it; `other`: what readers can do
   * without, such as version checksums and compacted entries.
   */
  readonly kind: 'entry' | 'checkpoint' | 'other';
  /** Of a checkpoint: whether the file is all of it and in the format of reader version 1. */
  readonly isWhole: boolean;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modifiedAtMs: number;
}

const KINDS = [
  { pattern: ENTRY_NAME, kind: 'entry', isWhole: true },
  { pattern: CHECKPOINT_NAME, kind: 'checkpoint', isWhole: true },
  { pattern: /^(\d{20})\.checkpoint\.[\w.-]+\.(?:parquet|json)$/, kind: 'checkpoint', isWhole: false },
  { pattern: /^(\d{20})\.crc$/, kind: 'other', isWhole: true },
  { pattern: /^\d{20}\.(\d{20})\.compacted\.json$/, kind: 'other', isWhole: true },
] as const;

/**
 * Lists the files of a table's log by version, names of other kinds left out (PROTOCOL.md, "Delta Log Entries",
 * "Checkpoints").
 * @param table The table's folder, absolute; it must exist.
 * @throws {HdfsError}
 */
export async function listLogFiles(hdfs: WebHdfs, table: string): Promise<LogFile[]> {
  const files = (await hdfs.list(logFolder(table))).flatMap(({ path, name, length, modifiedAtMs }) => {
    for (const { pattern, kind, isWhole } of KINDS) {
      const digits = pattern.exec(name)?.[1];
      if (digits !== undefined)
        return [{ path, version: Number(digits), kind, isWhole, bytes: length, modifiedAtMs }];
    }
    return [];
  });
  return files.sort((a, b) => a.version - b.version);
}

/** An entry of a table's log in a listing of its folder. */
export interface EntryFile {
  readonly version: number;
  /** Tells the file from another of the same name, without reading it. */
  readonly identity: string;
}

/**
 * Lists the entries of a table's log from a version on, in order; none if there is no log.
 * @param table The table's folder, absolute.
 * @param from The first version; -1 for all.
 * @throws {HdfsError}
 */
export async function listEntries(hdfs: WebHdfs, table: string, from: number): Promise<EntryFile[]> {
  // In HDFS's order, the digits alone come right before the names that begin with them.
  const options = from < 0 ? {} : { startAfter: formatVersion(from) };
  return (await hdfs.listIfExists(logFolder(table), options)).flatMap((status) => {
    const digits = ENTRY_NAME.exec(status.name)?.[1];
    return digits === undefined ? [] : [{ version: Number(digits), identity: entryIdentity(status) }];
  });
}

/** Returns the {@link EntryFile} identity of a file. */
export function entryIdentity({ fileId, length, modifiedAtMs }: FileStatus): string {
  return `${fileId}/${length}/${modifiedAtMs}`;
}
