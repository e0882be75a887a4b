import { parseActions, formatActions, type Action } from '../../adapters/delta/actions.ts';
import { checkpointActions, encodeCheckpoint } from '../../adapters/delta/checkpoint.ts';
import { entryFile, logFolder } from '../../adapters/delta/log-paths.ts';
import { SnapshotBuilder } from '../../adapters/delta/snapshot.ts';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';

/** Rewrites a table as another Delta program does. */
export class OtherProgram {
  readonly #hdfs: WebHdfs;
  readonly #table: string;

  /** @param table Absolute path of its folder in HDFS. */
  constructor(hdfs: WebHdfs, table: string) {
    this.#hdfs = hdfs;
    this.#table = table;
  }

  /** The table's version. */
  async version(): Promise<number> {
    return (await this.#read()).version;
  }

  /**
   * Restores the table to an earlier version: files change, transactions stay.
   * @returns The new version.
   */
  async restore(to: number): Promise<number> {
    const [before, wanted] = [(await this.#read()).snapshot(), (await this.#read(to)).snapshot()];
    const removed = [...before.files.values()].filter(({ path }) => !wanted.files.has(path));
    const added = [...wanted.files.values()].filter(({ path }) => !before.files.has(path));
    return this.#append('RESTORE', [
      ...removed.map(({ path }) => ({
        remove: { path, deletionTimestamp: Date.now(), dataChange: true },
      })),
      ...added.map((add) => ({ add: { ...add, dataChange: true } })),
    ]);
  }

  /**
   * Changes the partition columns of the table.
   * @returns The new version.
   */
  async partition(columns: readonly string[]): Promise<number> {
    const { metadata } = (await this.#read()).snapshot();
    return this.#append('REPLACE TABLE', [{ metaData: { ...metadata, partitionColumns: [...columns] } }]);
  }

  /**
   * Sets the properties of the table.
   * @returns The new version.
   */
  async configure(configuration: Readonly<Record<string, string>>): Promise<number> {
    const { metadata } = (await this.#read()).snapshot();
    return this.#append('SET TBLPROPERTIES', [
      { metaData: { ...metadata, configuration: { ...configuration } } },
    ]);
  }

  /**
   * Removes the last entry of the log.
   * @returns A function that restores it.
   */
  async removeLastEntry(): Promise<() => Promise<unknown>> {
    const file = entryFile(this.#table, await this.version());
    const bytes = await this.#hdfs.read(file);
    await this.#hdfs.delete(file);
    return () => this.#hdfs.create(file, bytes);
  }

  /** Writes a checkpoint of the last version, and deletes the entries before it. */
  async checkpoint(): Promise<void> {
    const snapshot = (await this.#read()).snapshot();
    const { version } = snapshot;
    const actions = checkpointActions(snapshot, 0);
    const folder = logFolder(this.#table);
    const name = String(version).padStart(20, '0');
    await this.#hdfs.create(`${folder}/${name}.checkpoint.parquet`, await encodeCheckpoint(actions));
    const pointer = `${folder}/_last_checkpoint`;
    await this.#hdfs.delete(pointer);
    await this.#hdfs.create(pointer, Buffer.from(JSON.stringify({ version, size: actions.length })));
    for (let at = 0; at < version; at += 1) await this.#hdfs.delete(entryFile(this.#table, at));
  }

  async #append(operation: string, actions: readonly Action[]): Promise<number> {
    const version = (await this.version()) + 1;
    const commitInfo = {
      operation,
      engineInfo: 'Apache-Spark/4.1.1 Delta-Lake/4.2.0',
      timestamp: Date.now(),
    };
    await this.#hdfs.create(
      entryFile(this.#table, version),
      Buffer.from(formatActions([{ commitInfo }, ...actions])),
    );
    return version;
  }

  async #read(upTo = Infinity): Promise<SnapshotBuilder> {
    const builder = new SnapshotBuilder(this.#table);
    while (builder.version < upTo) {
      const file = entryFile(this.#table, builder.version + 1);
      const bytes = await this.#hdfs.readIfExists(file);
      if (bytes === undefined) break;
      builder.apply(parseActions(bytes.toString('utf8'), file));
    }
    return builder;
  }
}
