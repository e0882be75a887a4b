import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './harness.ts';

/** The beginnings of commands in inline code. */
const PROGRAM = /^(?:npx|npm|docker|echo|eval|pipeline) /;

/** Returns the text of each page, by its path in the project. */
export function pagesOfDocs(): Map<string, string> {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path));
  return new Map(
    ['README.md', 'CONTRIBUTING.md', ...docs].map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]),
  );
}

/** Returns the commands of a page: the lines of its `sh` blocks, and inline code that begins like a command. */
export function commandsOf(text: string): Set<string> {
  const lines = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) =>
    block.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
  );
  const spans = [...text.replaceAll(/^```.*?^```/gms, '').matchAll(/`([^`\n]+)`/g)]
    .map(([, span = '']) => span)
    .filter((span) => PROGRAM.test(span));
  return new Set([...lines, ...spans]);
}
