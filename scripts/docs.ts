/** Writes the pages of docs/ that are generated from the code: npx tsx scripts/docs.ts */
import { writeFile } from 'node:fs/promises';
import { generatedPages } from './docs-pages.ts';

for (const [path, text] of await generatedPages()) {
  await writeFile(new URL(`../${path}`, import.meta.url), text);
  process.stdout.write(`${path}\n`);
}
