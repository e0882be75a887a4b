// Makes a clone ready to run: installs what package-lock.json names, and compiles the scanner (`build:scanner`), each
// unless that was done. Plain JavaScript, since nothing is installed yet when it runs.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`Node ${process.versions.node} is too old: this needs 20.19 or later.\n`);
  process.exit(1);
}

const root = fileURLToPath(new URL('..', import.meta.url));
const mark = `${root}node_modules/.installed-lock`;
const lock = createHash('sha256')
  .update(readFileSync(`${root}package-lock.json`))
  .digest('hex');
if (!existsSync(mark) || readFileSync(mark, 'utf8') !== lock) {
  process.stdout.write('installing the packages of package-lock.json (npm ci)\n');
  const { status } = spawnSync('npm', ['ci', '--no-progress', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(mark, lock);
}

// Not before the packages are there that it imports.
const { buildScanner } = await import('../bin/scanner.js');
await buildScanner();
