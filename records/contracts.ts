import { existsSync, readFileSync, readdirSync } from 'node:fs';
import type { ContractDefinition, FieldDefinition } from './contract/definition.ts';
import type { FieldShape, ObjectShape } from './shape.ts';

/** The name of the contract of sources that name none. */
const DEFAULT_NAME = 'attempts';

const DEFINITIONS = await readDefinitions();
const DEFAULT = requireDefault();
const DEFAULT_SHAPE = shapeOf(DEFAULT);

/** Returns the definitions of the contracts in contracts/. */
export function contractDefinitions(): readonly ContractDefinition[] {
  return DEFINITIONS;
}

function requireDefault(): ContractDefinition {
  const found = DEFINITIONS.find(({ name }) => name === DEFAULT_NAME);
  if (found === undefined) throw new Error(`there is no contract ${DEFAULT_NAME} in contracts/`);
  return found;
}

/**
 * Reads what the build made of the contracts, beside this module; a program that runs from its sources reads them itself,
 * without the standard's schema, by which the build and a test validate them.
 */
async function readDefinitions(): Promise<readonly ContractDefinition[]> {
  const beside = new URL('contracts.json', import.meta.url);
  if (existsSync(beside)) return JSON.parse(readFileSync(beside, 'utf8')) as ContractDefinition[];
  const [{ ContractText }, { readContract }] = await Promise.all([
    import('./contract/contract-text.ts'),
    import('./contract/read-contract.ts'),
  ]);
  const folder = new URL('../contracts/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.odcs.yaml'));
  return files
    .sort()
    .map((name) =>
      readContract(new ContractText(readFileSync(new URL(name, folder), 'utf8'), `contracts/${name}`)),
    );
}

/** Returns the contract of sources that name none. */
export function defaultDefinition(): ContractDefinition {
  return DEFAULT;
}

/** Returns the shape of the records of {@link defaultDefinition}. */
export function defaultShape(): ObjectShape {
  return DEFAULT_SHAPE;
}

/** Returns the shape of the records of a contract, by which they are checked and scanned. */
export function shapeOf({ root }: ContractDefinition): ObjectShape {
  return objectShape(root.fields, false);
}

function objectShape(fields: readonly FieldDefinition[], required: boolean): ObjectShape {
  const shapes = fields.map((field): [string, FieldShape] => [field.name, fieldShape(field)]);
  return { kind: 'object', required, fields: Object.fromEntries(shapes) };
}

function fieldShape(field: FieldDefinition): FieldShape {
  const { required } = field;
  switch (field.kind) {
    case 'scalar':
      return { kind: 'leaf', required, type: field.type };
    case 'object':
      return objectShape(field.fields, required);
    case 'list':
      return { kind: 'list', required, item: objectShape(field.items.fields, false) };
  }
}
