import { mapConcurrent } from '../../lib/map-concurrent.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';

/** An entry or a checkpoint of a log, with its version. */
const VERSIONED = /^(\d{20})\.(?:json|crc|checkpoint\.parquet)$/;
const POINTER = '_last_checkpoint';

/** The contents of files, by path relative to a folder. */
type Files = ReadonlyMap<string, Buffer>;

/** Copies a table, its log and its data, to another folder of HDFS. */
export async function copyTable(hdfs: WebHdfs, from: string, to: string): Promise<void> {
  await writeFolder(hdfs, to, await readFolder(hdfs, from));
}

/** Reads all files below a folder of HDFS. */
export async function readFolder(hdfs: WebHdfs, folder: string): Promise<Files> {
  const contents = await mapConcurrent(4, await filesBelow(hdfs, folder), async (file) => {
    return [file.slice(folder.length), await hdfs.read(file)] as const;
  });
  return new Map(contents);
}

/** Writes files below a folder of HDFS. */
export async function writeFolder(hdfs: WebHdfs, folder: string, files: Files): Promise<void> {
  await mapConcurrent(4, [...files], ([path, bytes]) => hdfs.create(`${folder}${path}`, bytes));
}

/**
 * Removes what a log has of the versions before one, entries and checkpoints alike, so that a reader finds
 * only this version's checkpoint to begin with. This version's own entry stays, since Spark insists on it.
 */
export async function forgetBefore(hdfs: WebHdfs, table: string, version: number): Promise<void> {
  for (const { name, path } of await hdfs.list(`${table}/_delta_log`)) {
    const found = VERSIONED.exec(name);
    if (found !== null && Number(found[1]) < version) await hdfs.delete(path);
  }
}

/** Removes a log's checkpoints, so that readers must read its entries. */
export async function forgetCheckpoints(hdfs: WebHdfs, table: string): Promise<void> {
  for (const { name, path } of await hdfs.list(`${table}/_delta_log`))
    if (name === POINTER || name.endsWith('.checkpoint.parquet')) await hdfs.delete(path);
}

/** Removes the pointer to a log's newest checkpoint. */
export async function forgetPointer(hdfs: WebHdfs, table: string): Promise<void> {
  await hdfs.delete(`${table}/_delta_log/${POINTER}`);
}

/** The version of the newest checkpoint, as the log says it. */
export async function lastCheckpoint(hdfs: WebHdfs, table: string): Promise<number> {
  const text = (await hdfs.read(`${table}/_delta_log/${POINTER}`)).toString('utf8');
  return (JSON.parse(text) as { version: number }).version;
}

async function filesBelow(hdfs: WebHdfs, folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const { path, type } of await hdfs.list(folder)) {
    if (type === 'FILE') files.push(path);
    else files.push(...(await filesBelow(hdfs, path)));
  }
  return files;
}

/** Returns a snapshot without `dataChange`, which a checkpoint sets to false and no reader of a table looks at. */
export function withoutChanges(snapshot: Snapshot): object {
  const files = [...snapshot.files.values()].map(
    (file) => [file.path, { ...file, dataChange: false }] as const,
  );
  return { ...snapshot, files: new Map(files) };
}
