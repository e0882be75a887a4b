import { Command } from 'commander';
import { PipelineError } from '../../model/errors.ts';
import { formatBytes } from '../../model/figures.ts';
import { readSettings } from '../../model/settings.ts';
import { TABLES, VIEWS } from '../../tables/index.ts';
import { PARTITION_COLUMNS, type Column, type Table } from '../../tables/table.ts';
import type { View } from '../../tables/views.ts';
import { withExamples } from '../cli/help.ts';
import { columnNamesOf, readSnapshots, withTables } from '../query/live-tables.ts';
import { formatTable, print, printJson } from '../cli/output.ts';
import { formatFirstOffsets } from './first-offsets.ts';
import { tableStateOf, type TableState } from './table-state.ts';
import { openWarehouse } from '../cli/warehouse.ts';

interface TablesOptions {
  readonly json?: boolean;
}

/** Creates `pipeline tables [NAME]`, which lists the tables and views, or the columns of one. */
export function tablesCommand(): Command {
  const command = new Command('tables')
    .description(
      'List the tables with their sizes, and the views; with a name, show the columns of that table or view.',
    )
    .argument('[table]', 'a table or a view')
    .option('--json', 'print JSON')
    .action(tables);
  return withExamples(command, 'pipeline tables', 'pipeline tables attempts', 'pipeline tables --json');
}

async function tables(name: string | undefined, options: TablesOptions): Promise<void> {
  if (name !== undefined) return printColumns(name, options.json === true);
  const warehouse = openWarehouse(readSettings());
  const snapshots = await readSnapshots(warehouse, TABLES);
  const states = await Promise.all(
    TABLES.map((table) => tableStateOf(warehouse, table, snapshots.get(table))),
  );
  const views = VIEWS.map((view) => ({ name: view.name, row: view.row }));
  if (options.json === true) {
    printJson({ tables: states, views });
    return;
  }
  print(
    formatTable(
      ['table', 'a row is', 'rows', 'files', 'size', 'version', 'last commit'],
      states.map((state) => [
        state.name,
        state.row,
        state.rows ?? 'unknown',
        state.files,
        formatBytes(state.bytes),
        state.version ?? 'none yet',
        state.lastCommit ?? '',
      ]),
    ),
  );
  for (const { name: table, firstOffsets } of states)
    if (Object.keys(firstOffsets).length > 0) print(formatAdded(table, firstOffsets));
  print(
    formatTable(
      ['view', 'a row is'],
      views.map(({ name: view, row }) => [view, row]),
    ),
  );
}

function formatAdded(table: string, firstOffsets: TableState['firstOffsets']): string {
  return `${table} was added to the warehouse: its rows begin with the offsets ${formatFirstOffsets(firstOffsets)}`;
}

async function printColumns(name: string, json: boolean): Promise<void> {
  const { row, columns } = await describe(name);
  if (json) {
    const described = columns.map((column) => ({
      name: column.name,
      type: column.type,
      meaning: column.meaning,
    }));
    printJson({ name, row, columns: described });
    return;
  }
  print(`${name}: a row is ${row}.`);
  print(
    formatTable(
      ['column', 'type', 'meaning'],
      columns.map((column) => [column.name, column.type, column.meaning]),
    ),
  );
}

async function describe(name: string): Promise<{ row: string; columns: readonly Column[] }> {
  const table = TABLES.find((one) => one.name === name);
  if (table !== undefined) return { row: table.row, columns: columnsOf(table) };
  const view = VIEWS.find((one) => one.name === name);
  if (view !== undefined) return { row: view.row, columns: await columnsOfView(view) };
  const known = [...TABLES, ...VIEWS].map((one) => one.name).join(', ');
  throw new PipelineError('TABLE_UNKNOWN', `there is no table ${JSON.stringify(name)}; there are: ${known}`);
}

/** Returns a table's columns, with the partition columns last, as in DuckDB and in the Delta schema. */
function columnsOf(table: Table): Column[] {
  return [...table.columns, ...PARTITION_COLUMNS];
}

/** Returns a view's columns: those of the table whose rows it selects. */
async function columnsOfView(view: View): Promise<Column[]> {
  const names = await withTables(
    TABLES.map((table) => ({ table, files: null })),
    (connection) => columnNamesOf(connection, view.name),
  );
  const origin = TABLES.find((table) => {
    const columns = new Set(columnsOf(table).map((column) => column.name));
    return columns.size === names.length && names.every((name) => columns.has(name));
  });
  if (origin === undefined) throw new TypeError(`the view ${view.name} has other columns than any table`);
  return columnsOf(origin);
}
