import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { installOnce, jarsOf } from '../../services/install.ts';
import { fetchJars } from '../../services/jars.ts';
import { codeOf } from '../support/harness.ts';

/** A fake Maven: stores its arguments, and writes two jars to the requested folder. */
const MAVEN = `#!/bin/sh
for word in "$@"; do
  echo "$word" >> "$MAVEN_SAW"
  case "$word" in -DoutputDirectory=*) folder="\${word#*=}" ;; esac
done
mkdir -p "$folder"
printf one > "$folder/one-1.0.jar"
printf two > "$folder/two-2.0.jar"
`;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('the jars that Maven fetches', () => {
  let base: string;
  const path = process.env['PATH'] ?? '';

  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'jars-test-'));
    await mkdir(join(base, 'bin'));
    await writeFile(join(base, 'bin', 'mvn'), MAVEN, { mode: 0o755 });
    process.env['PATH'] = [join(base, 'bin'), path].join(delimiter);
    process.env['MAVEN_SAW'] = join(base, 'saw');
  });

  after(async () => {
    process.env['PATH'] = path;
    Reflect.deleteProperty(process.env, 'MAVEN_SAW');
    await rm(base, { recursive: true });
  });

  /** Installs with this list; returns the error, and whether the folder exists afterwards. */
  async function install(
    name: string,
    lines: readonly string[],
  ): Promise<{ said: string; installed: boolean }> {
    const list = join(base, `${name}.sha256`);
    await writeFile(list, lines.map((line) => `${line}\n`).join(''));
    const target = join(base, 'cache', name);
    const jars = { whose: name, pom: 'pom.xml', list };
    const log = join(base, 'logs', `${name}.log`);
    const said = await codeOf(installOnce(target, (content) => fetchJars(jars, content, log)));
    return { said, installed: existsSync(target) };
  }

  const one = `${sha256('one')}  one-1.0.jar`;
  const two = `${sha256('two')}  two-2.0.jar`;

  it('are installed where each matches the list, and Maven checks each download', async () => {
    assert.deepEqual(await install('right', [one, two]), { said: 'none', installed: true });
    assert.ok(readFileSync(join(base, 'saw'), 'utf8').split('\n').includes('--strict-checksums'));
  });

  it('are not installed where one differs, is not listed, or is missing; the error names it', async () => {
    const cases = [
      [
        'other',
        [one, `${sha256('three')}  two-2.0.jar`],
        /two-2\.0\.jar has the SHA-256 [0-9a-f]{64}, and not/,
      ],
      ['more', [one], /two-2\.0\.jar is not in the list/],
      ['fewer', [one, two, `${sha256('x')}  x-3.0.jar`], /x-3\.0\.jar is missing/],
    ] as const;
    for (const [name, lines, says] of cases) {
      const { said, installed } = await install(name, lines);
      assert.match(said, /^SERVICE_INSTALL_FAILED: /);
      assert.match(said, says);
      assert.equal(installed, false, name);
    }
  });

  it('of the servers are all listed, each once', () => {
    for (const product of ['kafka', 'hdfs'] as const) {
      const lines = readFileSync(jarsOf(product).list, 'utf8').trimEnd().split('\n');
      for (const line of lines) assert.match(line, /^[0-9a-f]{64} {2}[\w.+-]+\.jar$/);
      assert.ok(lines.length > 40);
      assert.equal(new Set(lines.map((line) => line.slice(66))).size, lines.length);
    }
  });
});
