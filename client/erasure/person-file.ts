import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { MAX_PERSONS } from '../../model/erasure.ts';

/**
 * Reads the keys of persons, one a line; empty lines and repeated keys are left out. No error quotes a line.
 * @param file A file, or `-` for standard input.
 * @throws {PipelineError} USAGE_INVALID for a file that cannot be read, without keys, or with more than {@link MAX_PERSONS}
 */
export async function readPersons(file: string): Promise<string[]> {
  const content = await readText(file);
  const persons = new Set(
    content
      .replace(/^\uFEFF/, '')
      .split('\n')
      .map((line) => line.replace(/\r$/, ''))
      .filter((line) => line !== ''),
  );
  if (persons.size === 0) throw invalid(file, 'has no keys: it must have one a line');
  if (persons.size > MAX_PERSONS)
    throw invalid(file, `has ${persons.size} keys, more than the ${MAX_PERSONS} of one erasure: split it`);
  return [...persons];
}

async function readText(file: string): Promise<string> {
  if (file === '-') return text(process.stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw invalid(file, `cannot be read: ${messageOf(cause)}`);
  }
}

function invalid(file: string, what: string): PipelineError {
  const name = file === '-' ? 'standard input' : file;
  return new PipelineError('USAGE_INVALID', `--person-file: ${name} ${what}`);
}
