/** Fails if two modules export different things by the same name, and prints where: npx tsx scripts/check-exports.ts */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findDuplicateExports } from './duplicate-exports.ts';
import { ROOT } from './processes.ts';

const tracked = execFileSync('git', ['ls-files', '-z', '--', '*.ts', '*.js'], {
  cwd: ROOT,
  encoding: 'utf8',
});
const modules = tracked
  .split('\0')
  .filter((path) => path !== '' && !path.endsWith('.d.ts'))
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
const lines = findDuplicateExports(modules).map(
  ({ name, places }) => `"${name}" is exported by ${places.join(' and ')}: rename one\n`,
);
process.stdout.write(lines.join(''));
if (lines.length > 0) process.exitCode = 1;
