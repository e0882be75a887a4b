import type { ContractIssue, ContractText } from './contract-text.ts';
import type { ContractDefinition } from './definition.ts';
import { Element } from './element.ts';
import { COMMON_TABLES, snakeCase } from './names.ts';
import { FieldReader, type MarkedField } from './read-fields.ts';

const API_VERSION = 'v3.2.0';
const NAME = /^[a-z][a-z0-9_-]{0,62}$/;
const VERSION = /^(?:0|[1-9]\d{0,5})(?:\.(?:0|[1-9]\d{0,5})){2}$/;

/**
 * Reads a contract in the Open Data Contract Standard.
 * @throws {PipelineError} CONTRACT_INVALID, listing what is wrong, with paths and lines
 */
export function readContract(text: ContractText): ContractDefinition {
  const issues: ContractIssue[] = [];
  const definition = definitionOf(new Element(text.values, 'contract', [], issues));
  text.requireNone(issues);
  return definition;
}

function definitionOf(contract: Element): ContractDefinition {
  requireValue(contract, 'apiVersion', API_VERSION);
  requireValue(contract, 'kind', 'DataContract');
  contract.requireText('id');
  contract.customProperties([]);
  const name = contract.requireText('name');
  if (name !== '' && !NAME.test(name))
    contract.refuse('must have 1 to 63 of a-z, 0-9, _ and -, and begin with a letter', 'name');
  const version = contract.requireText('version');
  if (version !== '' && !VERSION.test(version)) contract.refuse('must be as 1.0.0', 'version');
  const records = contract.elements('schema', 'record');
  const [record] = records;
  if (record === undefined || records.length > 1) contract.refuse('must have exactly one record', 'schema');
  const reader = new FieldReader(COMMON_TABLES);
  const root = record === undefined ? EMPTY : readRecord(record, reader);
  return { name, version, root, person: personOf(reader.persons), identity: identityOf(reader.keys) };
}

const EMPTY = { table: '', row: '', noun: '', fields: [] };

function requireValue(element: Element, key: string, value: string): void {
  const given = element.requireText(key);
  if (given !== '' && given !== value) element.refuse(`must be ${value}`, key);
}

function readRecord(record: Element, reader: FieldReader): ContractDefinition['root'] {
  requireValue(record, 'logicalType', 'object');
  record.customProperties([]);
  const name = record.requireText('name');
  const table = record.text('physicalName') ?? snakeCase(name);
  const noun = snakeCase(record.text('businessName') ?? name);
  const row = record.requireText('dataGranularityDescription');
  return reader.level(record, { table, row, noun }, { path: '', positions: [], depth: 0 });
}

function personOf(persons: readonly MarkedField[]): string | null {
  for (const { element, isRequiredText } of persons)
    if (!isRequiredText) element.refuse('the person must be a required text of the record itself');
  const [person, second] = persons;
  if (second !== undefined) second.element.refuse(`${person?.path} is the person already`);
  return person?.path ?? null;
}

function identityOf(keys: readonly MarkedField[]): string[] {
  const positions = new Set<number>();
  for (const { element, isRequiredText, position } of keys) {
    if (!isRequiredText)
      element.refuse('a field of the primary key must be a required text of the record itself');
    if (keys.length > 1 && (position < 1 || positions.has(position)))
      element.refuse('must be a position of its own, from 1', 'primaryKeyPosition');
    positions.add(position);
  }
  return keys.toSorted((a, b) => a.position - b.position).map(({ path }) => path);
}
