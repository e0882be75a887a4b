import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatActions, parseActions, type Action, type AddFile } from '../../adapters/delta/actions.ts';
import { rowCountOf } from '../../adapters/delta/rewrites.ts';
import { sqlName, sqlText, withDuckDb } from '../../adapters/duckdb/database.ts';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';

/**
 * Makes a warehouse what a version of the program without a table would have left. No worker may run.
 * @param warehouse Absolute path in HDFS.
 */
export async function forgetTable(hdfs: WebHdfs, warehouse: string, table: string): Promise<void> {
  await hdfs.delete(`${warehouse}/${table}`, { recursive: true });
  await rewriteLog(hdfs, `${warehouse}/deliveries`, (actions) =>
    Promise.resolve(actions.filter(({ txn }) => txn?.appId !== `table/${table}`)),
  );
}

/**
 * Makes a table what a version of the program without a column would have left: in its log and in its files. No worker
 * may run.
 * @param table Absolute path in HDFS.
 */
export async function forgetColumn(hdfs: WebHdfs, table: string, column: string): Promise<void> {
  await rewriteLog(hdfs, table, (actions) =>
    Promise.all(
      actions.map(async (action) => ({
        ...action,
        ...(action.metaData && { metaData: withoutField(action.metaData, column) }),
        ...(action.add && { add: await withoutColumn(hdfs, table, action.add, column) }),
      })),
    ),
  );
}

/** Deletes the last entry of a table's log, as if its batch had landed without the table. No worker may run. */
export async function forgetLastEntry(hdfs: WebHdfs, table: string): Promise<void> {
  const last = (await entriesOf(hdfs, table)).at(-1);
  if (last === undefined) throw new TypeError(`${table} has no entry`);
  await hdfs.delete(last);
}

function withoutField<M extends { schemaString: string }>(metaData: M, column: string): M {
  const schema = JSON.parse(metaData.schemaString) as { fields: { name: string }[] };
  const fields = schema.fields.filter(({ name }) => name !== column);
  return { ...metaData, schemaString: JSON.stringify({ ...schema, fields }) };
}

async function withoutColumn(hdfs: WebHdfs, table: string, add: AddFile, column: string): Promise<AddFile> {
  const folder = await mkdtemp(join(tmpdir(), 'earlier-program-'));
  try {
    const [local, made] = [join(folder, 'whole.parquet'), join(folder, 'made.parquet')];
    const path = `${table}/${decodeURIComponent(add.path)}`;
    await writeFile(local, await hdfs.read(path));
    await withDuckDb({ threads: 1, memoryLimit: '256MB', temporaryFolder: folder }, (connection) =>
      connection.run(
        `COPY (SELECT * EXCLUDE (${sqlName(column)}) FROM read_parquet(${sqlText(local)}, hive_partitioning = false))
         TO ${sqlText(made)} (FORMAT parquet)`,
      ),
    );
    const bytes = await readFile(made);
    await hdfs.delete(path);
    await hdfs.create(path, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return {
      ...add,
      size: bytes.length,
      stats: JSON.stringify({ numRecords: rowCountOf(add) }),
      tags: { sha256 },
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function rewriteLog(
  hdfs: WebHdfs,
  table: string,
  change: (actions: Action[]) => Promise<Action[]>,
): Promise<void> {
  for (const path of await entriesOf(hdfs, table)) {
    const actions = parseActions((await hdfs.read(path)).toString('utf8'), path);
    await hdfs.delete(path);
    await hdfs.create(path, Buffer.from(formatActions(await change(actions))));
  }
}

async function entriesOf(hdfs: WebHdfs, table: string): Promise<string[]> {
  const files = await hdfs.list(`${table}/_delta_log`);
  return files.filter(({ name }) => name.endsWith('.json')).map(({ path }) => path);
}
