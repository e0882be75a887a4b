import { sqlName, sqlText } from '../../adapters/duckdb/database.ts';
import type { ContractTable } from '../../tables/contract-tables.ts';
import type { Contract } from '../../tables/contracts.ts';
import type { Table } from '../../tables/table.ts';
import type { FindingCode } from './findings.ts';

/** A referential integrity rule between two tables; its SELECT returns the rows that violate it. */
export interface Rule {
  readonly code: FindingCode;
  readonly table: string;
  /** The violation, as the end of a sentence that begins with a count. */
  readonly what: string;
  /** A SELECT of `kafka_topic`, `kafka_partition` and `kafka_offset` of the violating rows. */
  readonly violations: string;
  /**
   * The table whose missing rows are the violations. One that was added to the warehouse has no rows of earlier messages,
   * which are then no violations.
   */
  readonly missing?: Table;
  /** The tables whose rows can be wrong. */
  readonly wrong: readonly Table[];
}

/** A table with the table of its enclosing rows. */
interface Child {
  readonly table: ContractTable;
  readonly parent: ContractTable;
}

/** The key columns that a row shares with its parent. */
const MESSAGE = ['source', 'kafka_topic', 'kafka_partition', 'kafka_offset'];
const OF_MESSAGE = MESSAGE.join(', ');

/** `deliveries` with payloads that DuckDB can parse: without byte order marks, which it rejects, and null if not JSON. */
const JSON_PAYLOAD = `(SELECT * REPLACE (if(json_valid(ltrim(payload, chr(65279))), ltrim(payload, chr(65279)), NULL) AS payload) FROM deliveries)`;

/** Returns the rules of a contract: each delivery is one record, each item has its parent, and no item is missing. */
export function rulesOf({ root, tables }: Contract): Rule[] {
  const children = tables.flatMap((table): Child[] =>
    table.parent === undefined ? [] : [{ table, parent: table.parent }],
  );
  return [
    ...recordRules(root),
    ...children.map(parentRule),
    ...children.flatMap((child) => countRules(child, child.table.countColumn)),
  ];
}

function recordRules(root: ContractTable): Rule[] {
  const { name } = root;
  return [
    {
      code: 'RECORD_WITHOUT_DELIVERY',
      table: name,
      what: `${name} have no row in deliveries`,
      violations: `SELECT * FROM ${sqlName(name)} ANTI JOIN deliveries USING (${OF_MESSAGE})`,
      wrong: [root],
    },
    {
      code: 'DELIVERY_WITHOUT_RECORD',
      table: 'deliveries',
      missing: root,
      what: `deliveries have no row in ${name}`,
      violations: `SELECT * FROM deliveries ANTI JOIN ${sqlName(name)} USING (${OF_MESSAGE})`,
      wrong: [root],
    },
    {
      code: 'RECORD_TWICE',
      table: name,
      what: `messages have more than one row in ${name}`,
      violations: `SELECT ${OF_MESSAGE} FROM ${sqlName(name)} GROUP BY ALL HAVING count(*) > 1`,
      wrong: [root],
    },
  ];
}

function parentRule({ table, parent }: Child): Rule {
  return {
    code: 'CHILD_WITHOUT_PARENT',
    table: table.name,
    missing: parent,
    what: `${table.name} have no row in ${parent.name}`,
    violations: `SELECT * FROM ${sqlName(table.name)} ANTI JOIN ${sqlName(parent.name)} USING (${keyOf(parent)})`,
    wrong: [parent, table],
  };
}

/** Compares the items with the column that counts them, if there is one, and that column, or the items, with the payload. */
function countRules({ table, parent }: Child, countColumn: string | undefined): Rule[] {
  const code = 'CHILD_COUNT';
  const due = `SELECT ${OF_MESSAGE}, ${itemsInPayload(table)} AS due FROM ${JSON_PAYLOAD}`;
  if (countColumn === undefined) {
    const isDense = 'positions = held AND first = 0 AND last = held - 1';
    const held = `
        SELECT ${OF_MESSAGE}, sum(held) AS held, bool_and(${isDense}) AS dense
        FROM (${itemsHeld(table, parent)}) GROUP BY ${OF_MESSAGE}`;
    return [
      {
        code,
        table: table.name,
        missing: table,
        what: `deliveries have other ${table.name} than their payload, which are numbered from 0`,
        violations: `
      SELECT * FROM (${due}) LEFT JOIN (${held}) USING (${OF_MESSAGE})
      WHERE coalesce(held, 0) IS DISTINCT FROM due OR NOT dense`,
        wrong: [table],
      },
    ];
  }
  const column = sqlName(countColumn);
  const count = table.isRequired ? column : `coalesce(${column}, 0)`;
  return [
    {
      code,
      table: table.name,
      missing: table,
      what: `${parent.name} have other ${table.name} than their ${countColumn}, which are numbered from 0`,
      violations: `
      SELECT * FROM ${sqlName(parent.name)} LEFT JOIN (${itemsHeld(table, parent)}) USING (${keyOf(parent)})
      WHERE coalesce(held, 0) IS DISTINCT FROM ${count} OR positions <> ${count} OR first <> 0 OR last <> ${count} - 1`,
      wrong: [parent, table],
    },
    {
      code,
      table: parent.name,
      missing: parent,
      what: `deliveries have another sum of ${countColumn} than their payload has ${table.name}`,
      violations: `
      SELECT * FROM (${due}) LEFT JOIN (
        SELECT ${OF_MESSAGE}, sum(${column}) AS held FROM ${sqlName(parent.name)} GROUP BY ${OF_MESSAGE}
      ) USING (${OF_MESSAGE})
      WHERE coalesce(held, 0) IS DISTINCT FROM due`,
      wrong: [parent, table],
    },
  ];
}

/** Returns the columns that identify a row. */
function keyOf({ positions }: ContractTable): string {
  return [...MESSAGE, ...positions.map(sqlName)].join(', ');
}

/** Returns a SELECT of the items of each enclosing row: their number, and what their positions are. */
function itemsHeld({ name, positions }: ContractTable, parent: ContractTable): string {
  const position = sqlName(positions.at(-1) ?? '');
  return `
        SELECT ${keyOf(parent)}, count(*) AS held, count(DISTINCT ${position}) AS positions,
          min(${position}) AS first, max(${position}) AS last
        FROM ${sqlName(name)} GROUP BY ${keyOf(parent)}`;
}

/**
 * Returns SQL for the number of a table's items in a payload, null if that is not JSON. It is a signed integer: subtracting
 * 1 from an unsigned 0 is an error.
 */
function itemsInPayload({ path }: ContractTable): string {
  const steps = path.slice(0, -'[]'.length).replaceAll('[]', '[*]').split('.');
  const json = sqlText(`$${steps.map((step) => `.${quotedStep(step)}`).join('')}`);
  const length = (list: string): string => `json_array_length(${list})::BIGINT`;
  const items = json.includes('[*]')
    ? `list_sum(list_transform(json_extract(payload, ${json}), items -> ${length('items')}))`
    : length(`json_extract(payload, ${json})`);
  return `if(payload IS NULL, NULL, coalesce(${items}, 0))`;
}

function quotedStep(step: string): string {
  return step.replace(/^[^[]+/, '"$&"');
}
