/** Fails on banned words in tracked files, and prints where they are: npx tsx scripts/check-words.ts */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBannedWords } from './banned-words.ts';
import { ROOT } from './processes.ts';

/** Folders and files to check; `.` is the whole project. */
const CHECKED = ['.'];
const TEXT_FILE = /\.(?:ts|js|md|py|ya?ml|go|java|html|ipynb)$|(?:^|\/)Dockerfile$/;
/** The list itself and its test. */
const EXCLUDED = new Set(['scripts/banned-words.ts', 'test/unit/banned-words.test.ts']);

const tracked = execFileSync('git', ['ls-files', '-z', '--', ...CHECKED], { cwd: ROOT, encoding: 'utf8' });
const files = tracked.split('\0').filter((file) => TEXT_FILE.test(file) && !EXCLUDED.has(file));
const lines = files.flatMap((file) =>
  findBannedWords(readFileSync(join(ROOT, file), 'utf8')).map(
    ({ line, words, instead }) => `${file}:${line} "${words}": write ${instead}\n`,
  ),
);
process.stdout.write(lines.join(''));
if (lines.length > 0) process.exitCode = 1;
