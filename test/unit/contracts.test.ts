import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { PipelineError } from '../../model/errors.ts';
import { ContractText } from '../../records/contract/contract-text.ts';
import type { ContractDefinition } from '../../records/contract/definition.ts';
import { COMMON_COLUMNS, COMMON_TABLES } from '../../records/contract/names.ts';
import { readContract } from '../../records/contract/read-contract.ts';
import { requireStandard } from '../../records/contract/standard.ts';
import { contractOf } from '../../tables/contracts.ts';
import { MESSAGE_COLUMNS, PARTITION_COLUMNS } from '../../tables/table.ts';
import { REBUILDABLE_TABLES, TABLES } from '../../tables/index.ts';
import { ROOT } from '../support/harness.ts';

const FOLDER = join(ROOT, 'contracts');

/** A contract unlike attempts: names that must be changed, lists in objects and lists, and no person. */
const ORDERS = `\
apiVersion: v3.2.0
kind: DataContract
id: 7c0a
name: orders
version: 0.1.0
status: draft
schema:
  - name: Orders
    logicalType: object
    dataGranularityDescription: one delivery of an order
    businessName: order
    properties:
      - { name: orderID, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 2 }
      - { name: shop, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 1 }
      - name: group
        logicalType: object
        properties:
          - { name: select, logicalType: boolean }
          - name: lineItems
            logicalType: array
            items:
              logicalType: object
              businessName: line item
              description: one line of an order
              properties:
                - { name: count, logicalType: integer, description: How many. }
                - name: parts
                  logicalType: array
                  customProperties: [{ property: countColumn, value: part_count }]
                  items:
                    logicalType: object
                    description: one part of a line
                    properties: [{ name: made-at, logicalType: timestamp }]
`;

function read(text: string): ContractDefinition {
  const parsed = new ContractText(text, 'orders.odcs.yaml');
  const definition = readContract(parsed);
  requireStandard(parsed);
  return definition;
}

function faultOf(text: string): string {
  try {
    read(text);
  } catch (error) {
    assert.ok(error instanceof PipelineError, String(error));
    assert.equal(error.code, 'CONTRACT_INVALID');
    return error.message;
  }
  assert.fail('the contract is valid');
}

/** Returns the contract with one text replaced, and the line of the replacement. */
function changed(from: string, to: string): { text: string; line: number } {
  const at = ORDERS.indexOf(from);
  assert.ok(at >= 0, from);
  return { text: ORDERS.replace(from, () => to), line: ORDERS.slice(0, at).split('\n').length };
}

test('the shipped contracts are valid by the standard’s schema', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.odcs.yaml'));
  assert.ok(files.includes('attempts.odcs.yaml'));
  for (const file of files) {
    const parsed = new ContractText(readFileSync(join(FOLDER, file), 'utf8'), file);
    requireStandard(parsed);
    assert.equal(`${readContract(parsed).name}.odcs.yaml`, file);
  }
});

test('tables, columns and views are named by the paths', () => {
  const { tables, views, person, identity } = contractOf(read(ORDERS));
  const described = tables.map(({ name, columns, positions, countColumn }) => ({
    name,
    positions,
    countColumn,
    columns: columns.slice(MESSAGE_COLUMNS.length).map((column) => column.name),
  }));
  assert.deepEqual(described, [
    { name: 'orders', positions: [], countColumn: undefined, columns: ['order_id', 'shop', 'group_select'] },
    {
      name: 'group_line_items',
      positions: ['line_item_position'],
      countColumn: undefined,
      columns: ['line_item_position', 'count', 'part_count'],
    },
    {
      name: 'parts',
      positions: ['line_item_position', 'parts_position'],
      countColumn: 'part_count',
      columns: ['line_item_position', 'parts_position', 'made_at'],
    },
  ]);
  assert.deepEqual(
    views.map(({ name, row }) => ({ name, row })),
    [
      { name: 'orders_deduplicated', row: 'one order, as it was first delivered' },
      { name: 'group_line_items_deduplicated', row: 'one line_item of such an order' },
      { name: 'parts_deduplicated', row: 'one parts of such a line_item' },
    ],
  );
  assert.match(views[0]?.select ?? '', /PARTITION BY source, "shop", "order_id" ORDER BY/);
  assert.equal(person, null);
  assert.deepEqual(identity, ['shop', 'orderID']);
  const [, items] = tables;
  assert.deepEqual(items?.columns.slice(-2), [
    { name: 'count', type: 'integer', field: 'group.lineItems[].count', meaning: 'How many.' },
    { name: 'part_count', type: 'integer', meaning: 'Number of its parts.' },
  ]);
});

/** Changes that make the contract invalid, with the path and the reason that the error gives. */
const WRONG: readonly (readonly [from: string, to: string, path: string, reason: RegExp])[] = [
  ['apiVersion: v3.2.0', 'apiVersion: v3.1.0', 'apiVersion', /must be v3\.2\.0/],
  ['kind: DataContract', 'kind: Data', 'kind', /must be DataContract/],
  ['name: orders', 'name: Orders!', 'name', /must have 1 to 63 of a-z/],
  ['version: 0.1.0', 'version: 0.1', 'version', /must be a text/],
  ['version: 0.1.0', 'version: "1"', 'version', /must be as 1\.0\.0/],
  ['status: draft', 'statsu: draft', 'statsu', /is not a key of a contract: see docs\/contracts\.md/],
  ['status: draft', 'status: [draft]', 'status', /must be string \(by the standard’s schema\)/],
  ['status: draft', 'tags: [1]', 'tags[0]', /must be string/],
  ['    businessName: order', '    busines: order', 'schema[0].busines', /is not a key of a record/],
  [
    'logicalType: boolean',
    'logicalType: bool',
    'schema[0].properties[2].properties[0].logicalType',
    /is not supported: use string, integer, boolean, timestamp, object or array/,
  ],
  [
    'logicalType: boolean',
    'logicalType: number',
    'schema[0].properties[2].properties[0].logicalType',
    /is not supported/,
  ],
  [
    'logicalType: boolean',
    'logicalType: boolean, unique: true',
    'schema[0].properties[2].properties[0].unique',
    /is refused: Two records with one value both land/,
  ],
  [
    'logicalType: boolean',
    'logicalType: boolean, enum: [{ value: true }]',
    'schema[0].properties[2].properties[0].enum',
    /is refused/,
  ],
  [
    'logicalType: boolean',
    'logicalType: boolean, physicalName: delivery',
    'schema[0].properties[2].properties[0]',
    /the column of group\.select would be called delivery, as that of the pipeline/,
  ],
  [
    'logicalType: boolean',
    'logicalType: boolean, physicalName: shop',
    'schema[0].properties[2].properties[0]',
    /the column of group\.select would be called shop, as that of shop/,
  ],
  [
    'logicalType: boolean',
    'logicalType: boolean, physicalName: "a b"',
    'schema[0].properties[2].properties[0]',
    /would be called "a b", but a name has 1 to 63/,
  ],
  [
    'logicalType: boolean',
    'logicalType: boolean, primaryKey: true, primaryKeyPosition: 3',
    'schema[0].properties[2].properties[0]',
    /must be a required text of the record itself/,
  ],
  ['name: select', 'name: "a b"', 'schema[0].properties[2].properties[0].name', /has other characters/],
  ['name: shop', 'name: orderID', 'schema[0].properties[1].name', /orderID is there twice/],
  [
    'primaryKeyPosition: 1',
    'primaryKeyPosition: 2',
    'schema[0].properties[1].primaryKeyPosition',
    /must be a position of its own/,
  ],
  [
    'logicalType: integer,',
    'logicalType: integer, logicalTypeOptions: { format: i64 },',
    'schema[0].properties[2].properties[1].items.properties[0].logicalTypeOptions.format',
    /must be i32/,
  ],
  [
    'logicalType: integer,',
    'logicalType: integer, logicalTypeOptions: { minimum: 0 },',
    'schema[0].properties[2].properties[1].items.properties[0].logicalTypeOptions.minimum',
    /is refused: Ranges are not checked/,
  ],
  [
    'property: countColumn',
    'property: cuontColumn',
    'schema[0].properties[2].properties[1].items.properties[1].customProperties[0].property',
    /no custom property cuontColumn: it can have countColumn/,
  ],
  [
    'value: part_count',
    'value: count',
    'schema[0].properties[2].properties[1].items.properties[1].customProperties[0]',
    /the column of the number of .* would be called count/,
  ],
  [
    'name: Orders',
    'name: runs',
    'schema[0]',
    /the table of the record would be called runs, as that of the pipeline/,
  ],
  ['name: Orders', 'name: x_deduplicated', 'schema[0]', /would be called like a view/],
  [
    'dataGranularityDescription: one delivery of an order',
    'description: an order',
    'schema[0]',
    /lacks the key dataGranularityDescription/,
  ],
  [
    'logicalType: timestamp',
    'logicalType: timestamp, customProperties: [{ property: encoding, value: days }]',
    'schema[0].properties[2].properties[1].items.properties[1].items.properties[0].customProperties[0].value',
    /must be rfc3339 or epochSeconds for a timestamp/,
  ],
  [
    'logicalType: timestamp',
    'logicalType: timestamp, customProperties: [{ property: person, value: true }]',
    'schema[0].properties[2].properties[1].items.properties[1].items.properties[0]',
    /the person must be a required text/,
  ],
];

for (const [from, to, path, reason] of WRONG)
  test(`a contract with ${to} is refused`, () => {
    const { text, line } = changed(from, to);
    const fault = faultOf(text);
    assert.match(fault, /^the contract orders\.odcs\.yaml is not valid:\n/);
    const own = fault.split('\n').find((one) => one.startsWith(`  ${path} (line `)) ?? '';
    assert.match(own, reason, fault);
    const found = Number(/\(line (\d+)\)/.exec(own)?.[1]);
    assert.ok(Math.abs(found - line) <= 2, `line ${found}, not ${line}`);
  });

test('all that is wrong is listed, in the order of the file', () => {
  const fault = faultOf(ORDERS.replace('bool', 'boo').replace('integer', 'int').replace('kind', 'kin'));
  const lines = fault.split('\n').map((line) => Number(/\(line (\d+)\)/.exec(line)?.[1] ?? 0));
  assert.ok(lines.length >= 5, fault);
  assert.deepEqual(
    lines,
    lines.toSorted((a, b) => a - b),
  );
});

test('what is not YAML, not a mapping, or too deep is refused with its line', () => {
  assert.match(faultOf('a: [\nb: 1'), /is not YAML: .* at line 2, column 1/);
  assert.match(faultOf('[]'), /\(the whole file\) \(line 1\): must be a mapping/);
  assert.match(faultOf('a: *b'), /is not YAML: an alias/);
  assert.match(faultOf('__proto__: 1'), /has the key __proto__/);
  const deep = (depth: number): string =>
    depth === 0
      ? '{ name: x, logicalType: string }'
      : `{ name: x, logicalType: object, properties: [${deep(depth - 1)}] }`;
  assert.match(
    faultOf(ORDERS.replace('{ name: select, logicalType: boolean }', deep(30))),
    /nested more than/,
  );
});

test('custom properties of other vendors are ignored', () => {
  const { text } = changed(
    'logicalType: boolean',
    'logicalType: boolean, customProperties: [{ property: person, value: 1, vendor: soda }]',
  );
  assert.deepEqual(read(text), read(ORDERS));
});

test('no contract can name a table or column of the pipeline', () => {
  const common = TABLES.filter((table) => !REBUILDABLE_TABLES.includes(table)).map(({ name }) => name);
  assert.deepEqual(COMMON_TABLES.toSorted(), common.toSorted());
  const columns = [...MESSAGE_COLUMNS, ...PARTITION_COLUMNS].map(({ name }) => name);
  assert.deepEqual(COMMON_COLUMNS.toSorted(), [...columns, 'delivery'].toSorted());
});
