/** Prints the definitions of the contracts in a folder as a JSON array: node compile.js FOLDER. The build keeps them. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { argv, exit, stderr, stdout } from 'node:process';
import { messageOf } from '../../model/errors.ts';
import { ContractText } from './contract-text.ts';
import type { ContractDefinition } from './definition.ts';
import { readContract } from './read-contract.ts';
import { requireStandard } from './standard.ts';

function compile(folder: string): ContractDefinition[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.odcs.yaml'));
  return files.sort().map((name) => {
    const text = new ContractText(readFileSync(join(folder, name), 'utf8'), `contracts/${name}`);
    const definition = readContract(text);
    requireStandard(text);
    return definition;
  });
}

try {
  stdout.write(JSON.stringify(compile(argv[2] ?? '')));
} catch (error) {
  stderr.write(`${messageOf(error)}\n`);
  exit(1);
}
