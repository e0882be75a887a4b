/** File name of a log entry. HDFS lists names in order, so versions ascend. */
export const ENTRY_NAME = /^(\d{20})\.json$/;
/** File name of a checkpoint in a single file, the only kind that is read. */
export const CHECKPOINT_NAME = /^(\d{20})\.checkpoint\.parquet$/;

/** Returns the path of a table's log folder. */
export function logFolder(table: string): string {
  return `${table}/_delta_log`;
}

/** Returns the folder of a table's temporary files. Readers of Delta ignore folders whose names begin with "_". */
export function scratchRoot(table: string): string {
  return `${table}/_scratch`;
}

/**
 * Returns the folder of the temporary files of one run.
 * @param table The table's folder.
 * @param scratch The run's id, which may be followed by a folder in it.
 */
export function scratchFolder(table: string, scratch: string): string {
  return `${scratchRoot(table)}/${scratch}`;
}

/** Returns the path of a log entry. */
export function entryFile(table: string, version: number): string {
  return `${logFolder(table)}/${formatVersion(version)}.json`;
}

/** Returns the path of a checkpoint. */
export function checkpointFile(table: string, version: number): string {
  return `${logFolder(table)}/${formatVersion(version)}.checkpoint.parquet`;
}

/** Formats a version as in the names of log files: 20 digits. */
export function formatVersion(version: number): string {
  return String(version).padStart(20, '0');
}
