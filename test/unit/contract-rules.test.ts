import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import test from 'node:test';
import type { DuckDBConnection } from '@duckdb/node-api';
import { withDuckDb } from '../../adapters/duckdb/database.ts';
import { rulesOf } from '../../client/verify/contract-rules.ts';
import { ContractText } from '../../records/contract/contract-text.ts';
import { readContract } from '../../records/contract/read-contract.ts';
import { contractOf } from '../../tables/contracts.ts';
import { duckDbType } from '../../tables/table.ts';

/** Lists in optional objects and in lists, with and without a column that counts them. */
const ORDERS = contractOf(
  readContract(
    new ContractText(
      `
apiVersion: v3.2.0
kind: DataContract
id: orders
name: orders
version: 1.0.0
schema:
  - name: orders
    logicalType: object
    dataGranularityDescription: one delivery of an order
    properties:
      - { name: id, logicalType: string, required: true }
      - name: group
        logicalType: object
        properties:
          - name: line-items
            physicalName: lines
            logicalType: array
            items:
              logicalType: object
              businessName: line
              description: one line
              properties:
                - { name: n, logicalType: integer }
                - name: parts
                  logicalType: array
                  items:
                    logicalType: object
                    businessName: part
                    description: one part
                    properties: [{ name: n, logicalType: integer }]
`,
      'orders.odcs.yaml',
    ),
  ),
);

const PAYLOADS = [
  {
    id: 'a',
    group: { 'line-items': [{ n: 1, parts: [{ n: 1 }, { n: 2 }] }, { n: 2 }, { parts: [{ n: 3 }] }] },
  },
  { id: 'b' },
  { id: 'c', group: { 'line-items': [] } },
];

/** Rows of `lines` and `parts`, as positions in the first payload. */
const LINES = [[0], [1], [2]];
const PARTS = [
  [0, 0],
  [0, 1],
  [2, 0],
];

async function withOrders(use: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
  const options = { threads: 1, memoryLimit: '128MB', temporaryFolder: tmpdir() };
  await withDuckDb(options, async (connection) => {
    for (const { name, columns } of ORDERS.tables) {
      const own = columns.map((column) => `"${column.name}" ${duckDbType(column.type)}`).join(', ');
      await connection.run(`CREATE TABLE ${name} (source VARCHAR, ${own})`);
    }
    const place = (offset: number): string => `'s', 't', 0, ${offset}, NULL`;
    await connection.run(
      'CREATE TABLE deliveries (source VARCHAR, kafka_topic VARCHAR, kafka_partition INTEGER, kafka_offset BIGINT, published_at TIMESTAMPTZ, payload VARCHAR)',
    );
    for (const [offset, payload] of PAYLOADS.entries()) {
      await connection.run(`INSERT INTO deliveries VALUES (${place(offset)}, '${JSON.stringify(payload)}')`);
      await connection.run(`INSERT INTO orders VALUES (${place(offset)}, '${payload.id}')`);
    }
    for (const positions of LINES)
      await connection.run(`INSERT INTO lines VALUES (${place(0)}, ${positions.join(', ')}, 1)`);
    for (const positions of PARTS)
      await connection.run(`INSERT INTO parts VALUES (${place(0)}, ${positions.join(', ')}, 1)`);
    await use(connection);
  });
}

async function violated(connection: DuckDBConnection): Promise<string[]> {
  const found: string[] = [];
  for (const { code, table, violations } of rulesOf(ORDERS)) {
    const result = await connection.runAndReadAll(`SELECT kafka_offset FROM (${violations})`);
    if (result.currentRowCount > 0) found.push(`${code} ${table}`);
  }
  return found;
}

/** Damages, with the findings of each. */
const DAMAGES: readonly (readonly [sql: string, findings: readonly string[]])[] = [
  ['SELECT 1', []],
  ['DELETE FROM orders WHERE kafka_offset = 1', ['DELIVERY_WITHOUT_RECORD deliveries']],
  ['DELETE FROM deliveries WHERE kafka_offset = 1', ['RECORD_WITHOUT_DELIVERY orders']],
  ['INSERT INTO orders FROM orders LIMIT 1', ['RECORD_TWICE orders']],
  ['DELETE FROM lines WHERE line_position = 1', ['CHILD_COUNT lines']],
  ['DELETE FROM lines', ['CHILD_WITHOUT_PARENT parts', 'CHILD_COUNT lines']],
  ['DELETE FROM parts WHERE part_position = 1', ['CHILD_COUNT parts']],
  ['UPDATE parts SET part_position = 5 WHERE line_position = 2', ['CHILD_COUNT parts']],
  ['UPDATE parts SET line_position = 7 WHERE line_position = 2', ['CHILD_WITHOUT_PARENT parts']],
];

for (const [sql, findings] of DAMAGES)
  test(`verify finds ${findings.length === 0 ? 'nothing in' : findings.join(' and ')}: ${sql}`, async () => {
    await withOrders(async (connection) => {
      await connection.run(sql);
      assert.deepEqual(await violated(connection), findings);
    });
  });
