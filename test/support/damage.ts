import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { parseActions, formatActions, type Action, type AddFile } from '../../adapters/delta/actions.ts';
import { sqlText, withDuckDb } from '../../adapters/duckdb/database.ts';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { verifyWarehouse, type WarehouseReport } from '../../client/verify/verify-warehouse.ts';
import { readSettings } from '../../model/settings.ts';
import { openTestWarehouse, runPipelineCommand, type TestPipeline } from './harness.ts';

/** A copy of a pipeline's tables that a test damages: the same topics, another warehouse. */
export class DamagedCopy {
  readonly warehouse: string;
  readonly #pipeline: TestPipeline;
  readonly #settingsFile: string;

  private constructor(pipeline: TestPipeline, name: string) {
    this.#pipeline = pipeline;
    this.warehouse = `${pipeline.settings.hdfs.warehouse}/copies/${name}`;
    this.#settingsFile = join(pipeline.folder, `${name}.yaml`);
  }

  static async of(pipeline: TestPipeline, name: string): Promise<DamagedCopy> {
    const copy = new DamagedCopy(pipeline, name);
    const settings = parse(await readFile(pipeline.settingsFile, 'utf8')) as Record<string, object>;
    const hdfs = { ...settings['hdfs'], warehouse: copy.warehouse };
    await writeFile(copy.#settingsFile, stringify({ ...settings, hdfs }));
    await copyFolder(copy.hdfs, pipeline.settings.hdfs.warehouse, copy.warehouse);
    return copy;
  }

  get hdfs(): WebHdfs {
    return this.#pipeline.warehouse.options.hdfs;
  }

  async command(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const { folder } = this.#pipeline;
    const env = { PIPELINE_CONFIG: this.#settingsFile, XDG_CACHE_HOME: join(folder, 'cache') };
    return runPipelineCommand(words, env, folder);
  }

  /** Returns the findings of `verify`. */
  async verify(): Promise<WarehouseReport> {
    const settings = readSettings(this.#settingsFile);
    const { kafka, logger } = this.#pipeline;
    process.env['XDG_CACHE_HOME'] = join(this.#pipeline.folder, 'cache');
    const { report } = await verifyWarehouse({
      settings,
      kafka,
      warehouse: openTestWarehouse(settings, logger),
      say: () => undefined,
    });
    return report;
  }

  /** Returns the first data file of a table: its path in HDFS, and its `add` action. */
  async firstFile(table: string): Promise<{ path: string; add: AddFile }> {
    for (const { actions } of await this.#entries(table)) {
      const add = actions.find((action) => action.add)?.add;
      if (add) return { path: `${this.warehouse}/${table}/${add.path}`, add };
    }
    throw new TypeError(`${table} has no data file`);
  }

  /** Returns the live data file of a table that was added first, as {@link firstFile}. */
  async firstLive(table: string): Promise<{ path: string; add: AddFile }> {
    return (await this.#live(table)).at(0) ?? assert.fail(`${table} has no live file`);
  }

  /** Returns the live data file of a table that was added last, as {@link firstFile}. */
  async lastLive(table: string): Promise<{ path: string; add: AddFile }> {
    return (await this.#live(table)).at(-1) ?? assert.fail(`${table} has no live file`);
  }

  async #live(table: string): Promise<{ path: string; add: AddFile }[]> {
    const live = new Map<string, AddFile>();
    for (const { actions } of await this.#entries(table))
      for (const { add, remove } of actions) {
        if (remove) live.delete(remove.path);
        if (add) live.set(add.path, add);
      }
    return [...live.values()].map((add) => ({ path: `${this.warehouse}/${table}/${add.path}`, add }));
  }

  /** Overwrites a file. */
  async replace(path: string, bytes: Buffer): Promise<void> {
    await this.hdfs.delete(path);
    await this.hdfs.create(path, bytes);
  }

  /** Changes each entry of a table's log. */
  async rewriteLog(table: string, change: (action: Action) => Action): Promise<void> {
    for (const { path, actions } of await this.#entries(table)) {
      await this.replace(path, Buffer.from(formatActions(actions.map(change))));
    }
  }

  /**
   * Adds an entry to a table's log.
   * @param info Its `commitInfo`.
   */
  async append(table: string, actions: readonly Action[], info: object = {}): Promise<void> {
    const version = (await this.#entries(table)).length;
    const name = `${String(version).padStart(20, '0')}.json`;
    const commit = { commitInfo: { operation: 'DAMAGE', ...info } };
    await this.hdfs.create(
      `${this.warehouse}/${table}/_delta_log/${name}`,
      Buffer.from(formatActions([commit, ...actions])),
    );
  }

  /**
   * Writes a data file, and returns the action that adds it.
   * @param sql Selects its rows from `rows`, those of the table's first file.
   * @param into The table of the file.
   * @param compression `lz4_raw` makes a file like another program's, without a checksum in the log.
   */
  async fileOf(
    table: string,
    sql: string,
    into = table,
    compression: 'snappy' | 'lz4_raw' = 'snappy',
  ): Promise<AddFile> {
    const { path, add } = await this.firstFile(table);
    const local = join(this.#pipeline.folder, 'damage.parquet');
    const made = join(this.#pipeline.folder, 'damaged.parquet');
    await writeFile(local, await this.hdfs.read(path));
    const options = { threads: 1, memoryLimit: '256MB', temporaryFolder: this.#pipeline.folder };
    const rows = await withDuckDb(options, async (connection) => {
      await connection.run(
        `CREATE VIEW rows AS SELECT * FROM read_parquet(${sqlText(local)}, hive_partitioning = false)`,
      );
      const copied = await connection.run(
        `COPY (${sql}) TO ${sqlText(made)} (FORMAT parquet, COMPRESSION ${compression})`,
      );
      return copied.rowsChanged;
    });
    const bytes = await readFile(made);
    const tags = compression === 'snappy' ? { sha256: createHash('sha256').update(bytes).digest('hex') } : {};
    const name = `${add.path.slice(0, add.path.lastIndexOf('/'))}/damage-${bytes.length}-${Date.now()}.parquet`;
    await this.hdfs.create(`${this.warehouse}/${into}/${name}`, bytes);
    return { ...add, path: name, size: bytes.length, stats: JSON.stringify({ numRecords: rows }), tags };
  }

  /** Replaces the rows of a table's first file, in its log too, as if they had been written so. */
  async rewriteRows(table: string, sql: string): Promise<void> {
    const made = await this.fileOf(table, sql);
    const { add } = await this.firstFile(table);
    await this.append(table, [{ remove: { path: add.path } }, { add: made }]);
  }

  async #entries(table: string): Promise<{ path: string; actions: Action[] }[]> {
    const files = await this.hdfs.list(`${this.warehouse}/${table}/_delta_log`);
    const entries = files.filter(({ name }) => name.endsWith('.json'));
    return Promise.all(
      entries.map(async ({ path }) => ({
        path,
        actions: parseActions((await this.hdfs.read(path)).toString('utf8'), path),
      })),
    );
  }
}

async function copyFolder(hdfs: WebHdfs, from: string, to: string): Promise<void> {
  for (const { name, path, type } of await hdfs.list(from)) {
    if (name === 'copies' || name === '_scratch') continue;
    if (type === 'FILE') await hdfs.create(`${to}/${name}`, await hdfs.read(path));
    else await copyFolder(hdfs, path, `${to}/${name}`);
  }
}
