import { mapConcurrent } from '../../lib/map-concurrent.ts';
import { parseActions, type Action, type AddFile } from './actions.ts';
import { ENTRY_NAME, entryFile, logFolder } from './log.ts';
import type { WebHdfs } from '../hdfs/webhdfs.ts';

/** One entry of a table's log: what a commit did. */
export interface LogEntry {
  readonly version: number;
  /** What the writer said of the commit, for people. */
  readonly info: Readonly<Record<string, unknown>>;
  readonly added: readonly AddFile[];
  readonly actions: readonly Action[];
}

const READS_AT_ONCE = 8;

/**
 * What made one version of a table; undefined where the entry is gone, since a checkpoint stands for it.
 * @param tablePath The table's folder in HDFS, absolute.
 * @throws {PipelineError} TABLE_LOG_INVALID; an error of HDFS.
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
 * What made a table: all entries that its log still has, in order.
 * @param versions Those after `after`, up to `upTo`.
 * @throws {PipelineError} TABLE_LOG_INVALID; an error of HDFS.
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
  const entries = await mapConcurrent(READS_AT_ONCE, versions, (version) =>
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
