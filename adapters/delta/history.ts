import { mapConcurrent } from '../../lib/map-concurrent.ts';
import { parseActions, type Action, type AddFile } from './actions.ts';
import { ENTRY_NAME, entryFile, logFolder } from './log-paths.ts';
import type { WebHdfs } from '../hdfs/webhdfs.ts';

/** One entry of a table's log. */
export interface LogEntry {
  readonly version: number;
  /** The `commitInfo` action; empty if the entry has none. */
  readonly info: Readonly<Record<string, unknown>>;
  readonly added: readonly AddFile[];
  readonly actions: readonly Action[];
}

const MAX_CONCURRENT_READS = 8;

/**
 * Reads the entry of one version; undefined if it was deleted after a checkpoint. Read-only.
 * @param tablePath The table's folder in HDFS, absolute.
 * @throws {PipelineError} TABLE_LOG_INVALID
 * @throws {HdfsError}
 */
export async function readEntry(
  hdfs: WebHdfs,
  tablePath: string,
  version: number,
): Promise<LogEntry | undefined> {
  const file = entryFile(tablePath, version);
  const bytes = await hdfs.readIfExists(file);
  return bytes === undefined ? undefined : entryOf(version, parseActions(bytes.toString('utf8'), file));
}

/**
 * Reads all entries that the log still has, in order. Read-only.
 * @param range Only versions greater than `after` and not greater than `upTo`.
 * @throws {PipelineError} TABLE_LOG_INVALID
 * @throws {HdfsError} Also when the table does not exist.
 */
export async function readHistory(
  hdfs: WebHdfs,
  tablePath: string,
  { after = -1, upTo = Infinity }: { readonly after?: number; readonly upTo?: number } = {},
): Promise<LogEntry[]> {
  const versions = (await hdfs.list(logFolder(tablePath))).flatMap(({ name }) => {
    const digits = ENTRY_NAME.exec(name)?.[1];
    const version = Number(digits);
    return digits !== undefined && version > after && version <= upTo ? [version] : [];
  });
  const entries = await mapConcurrent(MAX_CONCURRENT_READS, versions, (version) =>
    readEntry(hdfs, tablePath, version),
  );
  return entries.filter((entry) => entry !== undefined);
}

function entryOf(version: number, actions: readonly Action[]): LogEntry {
  return {
    version,
    info: actions.find(({ commitInfo }) => commitInfo)?.commitInfo ?? {},
    added: actions.flatMap(({ add }) => (add ? [add] : [])),
    actions,
  };
}
