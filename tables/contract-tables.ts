import type {
  ColumnScalarType,
  ContractDefinition,
  FieldDefinition,
  LevelDefinition,
} from '../records/contract/definition.ts';
import { joinPath } from '../records/field-paths.ts';
import { relationOf } from './relations.ts';
import { MESSAGE_COLUMNS, MESSAGE_COLUMN_LIST, type Column, type ColumnType, type Table } from './table.ts';

/** A table of a contract: one row for each record, or for each item of one of its lists. */
export interface ContractTable extends Table {
  /** The path of its rows in a record, as `sequences.questions[]`; empty for the records. */
  readonly path: string;
  /** One row in a word. */
  readonly noun: string;
  /** The table of the enclosing rows; undefined for the records. */
  readonly parent: ContractTable | undefined;
  /** The columns with the indexes in the enclosing lists, outermost first, which identify a row of a message. */
  readonly positions: readonly string[];
  /** Whether each enclosing row has the list of its items; true for the records. */
  readonly isRequired: boolean;
  /** The column of `parent` with the number of the items; undefined if there is none. */
  readonly countColumn: string | undefined;
}

/** The type of a column for each type of a value. */
const COLUMN_TYPES: Readonly<Record<ColumnScalarType, ColumnType>> = {
  text: 'string',
  integer: 'integer',
  boolean: 'boolean',
  timestamp: 'timestamp',
  epoch: 'timestamp',
  'epoch-millis': 'timestamp',
  'epoch-micros': 'timestamp',
  date: 'date',
  long: 'long',
  double: 'double',
};

/** A column with the name of its values in the relation of its level. */
interface FilledColumn {
  readonly column: Column;
  readonly from: string;
}

/** A list of a level, with the path of its items. */
interface ItemsOf {
  readonly path: string;
  readonly level: LevelDefinition;
  readonly countColumn: string | null;
  /** Whether each row of the enclosing level has it. */
  readonly isRequired: boolean;
}

/** The enclosing lists of a level. */
type Enclosing = Pick<ContractTable, 'parent' | 'countColumn' | 'isRequired'>;

/** Returns the tables of a contract, each after that of its enclosing rows. */
export function tablesOf({ root }: ContractDefinition): ContractTable[] {
  return tablesOfLevel(root, '', { parent: undefined, countColumn: undefined, isRequired: true });
}

function tablesOfLevel(level: LevelDefinition, path: string, enclosing: Enclosing): ContractTable[] {
  const { columns, lists } = columnsOf(level.fields, path, true);
  const table = tableOf(level, path, enclosing, columns);
  const inner = lists.flatMap(({ level: items, path: itemPath, countColumn, isRequired }) =>
    tablesOfLevel(items, itemPath, { parent: table, countColumn: countColumn ?? undefined, isRequired }),
  );
  return [table, ...inner];
}

function tableOf(
  { table: name, row, noun }: LevelDefinition,
  path: string,
  { parent, countColumn, isRequired }: Enclosing,
  fields: readonly FilledColumn[],
): ContractTable {
  const filled = [...positionColumns(noun, path, parent), ...fields];
  const selected = filled.map(({ column, from }) => `"${from}" AS "${column.name}"`);
  return {
    name,
    row,
    noun,
    path,
    parent,
    countColumn,
    isRequired,
    positions: path === '' ? [] : [...(parent?.positions ?? []), positionName(noun)],
    columns: [...MESSAGE_COLUMNS, ...filled.map(({ column }) => column)],
    select: `SELECT source, ${MESSAGE_COLUMN_LIST}, ${selected.join(', ')} FROM "${relationOf(path)}"`,
  };
}

/** Returns the columns with the index of a row, and of each row around it but the record, in their lists. */
function positionColumns(noun: string, path: string, parent: ContractTable | undefined): FilledColumn[] {
  if (parent === undefined) return [];
  const meaning = `Index of the ${noun} in the ${parent.noun}, from 0.`;
  const own: FilledColumn = { from: path, column: { name: positionName(noun), type: 'integer', meaning } };
  const outer: FilledColumn[] = [];
  for (let table = parent; table.parent !== undefined; table = table.parent)
    outer.unshift({
      from: table.path,
      column: {
        name: positionName(table.noun),
        type: 'integer',
        meaning: `Index of its ${table.noun} in the ${table.parent.noun}, from 0.`,
      },
    });
  return [...outer, own];
}

function positionName(noun: string): string {
  return `${noun}_position`;
}

/**
 * Returns the columns of an object's fields, and the lists among them, in order.
 * @param isRequired Whether each row of the level has the object.
 */
function columnsOf(
  fields: readonly FieldDefinition[],
  path: string,
  isRequired: boolean,
): { readonly columns: FilledColumn[]; readonly lists: ItemsOf[] } {
  const columns: FilledColumn[] = [];
  const lists: ItemsOf[] = [];
  for (const field of fields) {
    const own = joinPath(path, field.name);
    if (field.kind === 'object') {
      const inner = columnsOf(field.fields, own, isRequired && field.required);
      columns.push(...inner.columns);
      lists.push(...inner.lists);
    } else if (field.kind === 'list') {
      const { items: level, countColumn } = field;
      lists.push({ path: `${own}[]`, level, countColumn, isRequired: isRequired && field.required });
      const column = { type: 'integer', meaning: `Number of its ${field.name}.` } as const;
      if (countColumn !== null) columns.push({ from: own, column: { name: countColumn, ...column } });
    } else {
      const meaning = field.meaning ?? `The field ${own}.`;
      const type = COLUMN_TYPES[field.type];
      columns.push({ from: own, column: { name: field.column, type, field: own, meaning } });
    }
  }
  return { columns, lists };
}
