import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './harness.ts';

/** Programs that a page tells its reader to run. */
const PROGRAM = /^(?:npx|npm|docker|echo|eval|pipeline) /;

/** Every page of the docs, by its path in the project. */
export function pagesOfDocs(): Map<string, string> {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path));
  return new Map(['README.md', ...docs].map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
}

/** Returns the commands of a page: the lines of its `sh` blocks, and whatever else looks like a command. */
export function commandsOf(text: string): Set<string> {
  const lines = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) =>
    block.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
  );
  const spans = [...text.replaceAll(/^```.*?^```/gms, '').matchAll(/`([^`\n]+)`/g)]
    .map(([, span = '']) => span)
    .filter((span) => PROGRAM.test(span));
  return new Set([...lines, ...spans]);
}
