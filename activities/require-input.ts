import type { z } from 'zod';
import { PipelineError } from '../model/errors.ts';
import type { ActivityInputs } from './inputs.ts';

const MAX_MESSAGE_LENGTH = 500;

/**
 * Validates the arguments of an activity.
 * @param name The activity's name.
 * @param given Its arguments.
 * @throws {PipelineError} INPUT_INVALID, naming the key but not the value, which can be secret.
 */
export function requireInput(inputs: ActivityInputs, name: string, given: readonly unknown[]): void {
  const schema = new Map<string, z.ZodType>(Object.entries(inputs)).get(name);
  if (schema === undefined) throw invalid(name, 'there is no such activity');
  if (given.length > 1) throw invalid(name, `it has ${given.length} arguments, and can have one`);
  const parsed = schema.safeParse(given[0]);
  if (parsed.success) return;
  const [issue] = parsed.error.issues;
  throw invalid(name, issue === undefined ? 'it is not valid' : describeIssue(issue));
}

function describeIssue({ path, message, code, ...rest }: z.core.$ZodIssue): string {
  const key = path.length === 0 ? 'the whole' : path.map(String).join('.');
  const unknown = code === 'unrecognized_keys' && 'keys' in rest ? rest.keys : undefined;
  return unknown === undefined ? `${key}: ${message}` : `${key} has keys that do not exist`;
}

function invalid(name: string, what: string): PipelineError {
  const told = JSON.stringify(`${name}: ${what}`.slice(0, MAX_MESSAGE_LENGTH)).slice(1, -1);
  return new PipelineError('INPUT_INVALID', `the input of the activity ${told}`);
}
