/** Writes the lists of the jars that Maven fetches, after a change of a pom.xml: npx tsx scripts/jars.ts */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jarsOf } from '../services/install.ts';
import { jarsBesidePom, writeList } from '../services/jars.ts';

const ROOT = join(import.meta.dirname, '..');

const ALL = [
  jarsOf('kafka'),
  jarsOf('hdfs'),
  jarsBesidePom('interop', join(ROOT, 'test/interop/pom.xml')),
  jarsBesidePom('peers', join(ROOT, 'bench/peers/pom.xml')),
];

for (const jars of ALL) {
  const folder = await mkdtemp(join(tmpdir(), 'jars-'));
  try {
    await writeList(jars, join(folder, 'jars'), join(folder, 'maven.log'));
    process.stdout.write(`${jars.list}\n`);
  } finally {
    await rm(folder, { recursive: true });
  }
}
