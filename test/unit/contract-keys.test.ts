import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { z } from 'zod';
import { KEY_RULES } from '../../records/contract/keys.ts';
import { snakeCase } from '../../records/contract/names.ts';
import { ROOT } from '../support/harness.ts';

const SCHEMA = join(ROOT, 'contracts/odcs-v3.2.0.schema.json');

const Properties = z.object({ properties: z.record(z.string(), z.unknown()) });

/** Returns all keys that the standard's schema has for an element, its conditional ones included. */
function keysOfSchema(definition: unknown): Set<string> {
  const keys = new Set<string>();
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { properties } = Properties.partial().parse(node);
    for (const key of Object.keys(properties ?? {})) keys.add(key);
    const inner = node as Record<string, unknown>;
    for (const key of ['allOf', 'then', 'else', 'anyOf']) {
      const branches = inner[key];
      for (const branch of Array.isArray(branches) ? branches : [branches]) visit(branch);
    }
    const reference = inner['$ref'];
    if (typeof reference === 'string') visit(DEFINITIONS[reference.replace('#/$defs/', '')]);
  };
  visit(definition);
  return keys;
}

const STANDARD = z
  .object({ $defs: z.record(z.string(), z.unknown()) })
  .loose()
  .parse(JSON.parse(readFileSync(SCHEMA, 'utf8')));
const DEFINITIONS = STANDARD.$defs;

test('each key of the standard is honoured, ignored or refused, and no other', () => {
  const { contract, record, property, items, options, ...rest } = KEY_RULES;
  const same = (rules: object, keys: Iterable<string>): void => {
    assert.deepEqual(Object.keys(rules).sort(), [...keys].sort());
  };
  same(contract, keysOfSchema({ properties: STANDARD['properties'] }));
  same(record, keysOfSchema(DEFINITIONS['SchemaObject']));
  const ofProperties = keysOfSchema(DEFINITIONS['SchemaProperty']);
  same(property, ofProperties);
  same(items, keysOfSchema(DEFINITIONS['SchemaItemProperty']));
  same(rest['custom property'], keysOfSchema(DEFINITIONS['CustomProperty']));
  same(options, optionsOfSchema(DEFINITIONS['SchemaBaseProperty']));
});

function optionsOfSchema(node: unknown): Set<string> {
  const keys = new Set<string>();
  const visit = (inner: unknown, key: string): void => {
    if (typeof inner !== 'object' || inner === null) return;
    if (key === 'logicalTypeOptions')
      for (const name of Object.keys(Properties.partial().parse(inner).properties ?? {})) keys.add(name);
    else for (const [name, value] of Object.entries(inner)) visit(value, name);
  };
  visit(node, '');
  return keys;
}

test('names become snake case', () => {
  const names = ['userCorrect', 'orderID', 'HTTPStatus', '@id', 'a b.c', 'item2Of', '2nd', 'élan'];
  assert.deepEqual(names.map(snakeCase), [
    ...['user_correct', 'order_id', 'http_status', 'id', 'a_b_c', 'item2_of', '_2nd', 'lan'],
  ]);
});
