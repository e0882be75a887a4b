import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findDuplicateExports } from '../../scripts/duplicate-exports.ts';

const duplicatesOf = (...texts: string[]): string[] =>
  findDuplicateExports(texts.map((text, index) => ({ path: `m${index}.ts`, text }))).map(
    ({ name, places }) => `${name}: ${places.join(', ')}`,
  );

test('a name that two modules export is found, with both places', () => {
  assert.deepEqual(duplicatesOf('export interface Row {}', '\nexport const Row = 1, other = 2;'), [
    'Row: m0.ts:1, m1.ts:2',
  ]);
  assert.deepEqual(duplicatesOf('export class A {}', 'export async function A() {}', 'export type A = 1;'), [
    'A: m0.ts:1, m1.ts:1, m2.ts:1',
  ]);
});

test('a re-export, a default export and a declaration that is not exported are no duplicates', () => {
  assert.deepEqual(
    duplicatesOf(
      'export class A {}',
      "export { A } from './m0.ts';",
      'export default class A {}',
      'class A {}',
    ),
    [],
  );
});

test('overloads, and a schema with the type of its name, are one export', () => {
  assert.deepEqual(
    duplicatesOf(
      'export function f(a: 1): 1;\nexport function f(a: 2): 2;',
      'export const S = 1;\nexport type S = 1;',
    ),
    [],
  );
});

test('the export that Temporal demands of each interceptor module may repeat', () => {
  assert.deepEqual(
    duplicatesOf('export function interceptors() {}', 'export function interceptors() {}'),
    [],
  );
});
