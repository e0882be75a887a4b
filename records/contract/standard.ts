import { existsSync, readFileSync } from 'node:fs';
import { Ajv2019, type ErrorObject, type ValidateFunction } from 'ajv/dist/2019.js';
import type { ContractIssue, ContractText, KeyPath } from './contract-text.ts';

const SCHEMA = 'odcs-v3.2.0.schema.json';

let compiled: ValidateFunction | undefined;

/**
 * Validates a contract by the JSON Schema of the Open Data Contract Standard, which also checks the keys that the pipeline
 * ignores.
 * @throws {PipelineError} CONTRACT_INVALID, listing what is wrong, with paths and lines
 */
export function requireStandard(text: ContractText): void {
  compiled ??= compileSchema();
  if (compiled(text.values)) return;
  text.requireNone(issuesOf(compiled.errors ?? []));
}

function compileSchema(): ValidateFunction {
  const schema = JSON.parse(readFileSync(schemaFile(), 'utf8')) as object;
  return new Ajv2019({ allErrors: true, strict: false, validateFormats: false }).compile(schema);
}

/** Beside this module if that is compiled, else in contracts/. */
function schemaFile(): URL {
  const beside = new URL(SCHEMA, import.meta.url);
  return existsSync(beside) ? beside : new URL(`../../contracts/${SCHEMA}`, import.meta.url);
}

/** Leaves out errors that only say that another one is there. */
function issuesOf(errors: readonly ErrorObject[]): ContractIssue[] {
  const isUnevaluated = ({ keyword }: ErrorObject): boolean => keyword === 'unevaluatedProperties';
  const causes = errors.filter(
    (one) => !isUnevaluated(one) && !['if', 'allOf', 'oneOf'].includes(one.keyword),
  );
  const shown = causes.length > 0 ? causes : errors;
  const issues = shown.map((error): ContractIssue => {
    const path = keyPathOf(error.instancePath);
    const property: unknown = error.params['unevaluatedProperty'] ?? error.params['additionalProperty'];
    if (typeof property === 'string')
      return { path: [...path, property], what: 'is not a key of the standard' };
    return { path, what: `${error.message ?? error.keyword} (by the standard’s schema)` };
  });
  return [...new Map(issues.map((issue) => [JSON.stringify(issue), issue])).values()];
}

/** Parses a JSON Pointer. */
function keyPathOf(pointer: string): KeyPath {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
