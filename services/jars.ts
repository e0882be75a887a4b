import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PipelineError } from '../model/errors.ts';
import { runLoggedCommand } from './command.ts';
import { requireTool } from './tools.ts';

/** Jars that Maven fetches, and the list of their checksums. */
export interface Jars {
  /** The product that needs them, for messages. */
  readonly whose: string;
  readonly pom: string;
  /** File with the SHA-256 and the name of each jar, in the format of `sha256sum`. */
  readonly list: string;
  /** Whether transitive dependencies are left out. */
  readonly excludeTransitive?: boolean;
}

/** Returns the jars that a `pom.xml` names, without transitive dependencies; their list `jars.sha256` is beside it. */
export function jarsBesidePom(whose: string, pom: string): Jars {
  return { whose, pom, list: join(dirname(pom), 'jars.sha256'), excludeTransitive: true };
}

/**
 * Fetches jars into an empty folder. Maven compares each download with the server's checksum, which detects damage;
 * the list in this repository also detects a jar that was replaced on the server or in Maven's local repository.
 * @param log Path of Maven's output.
 * @throws PipelineError SERVICE_TOOL_MISSING without Maven, SERVICE_INSTALL_FAILED when it fails or a jar doesn't
 * match.
 */
export async function fetchJars(jars: Jars, folder: string, log: string): Promise<void> {
  await copyJars(jars, folder, log);
  const faults = jarFaults(parseList(await readFile(jars.list, 'utf8')), await hashJars(folder));
  if (faults.length === 0) return;
  throw new PipelineError(
    'SERVICE_INSTALL_FAILED',
    `The jars of ${jars.whose} are not those of ${jars.list}: ${faults.join('; ')}. Nothing was installed.`,
  );
}

/**
 * Writes the list of the jars that Maven fetches now, after a change of the pom.xml; review the difference.
 * @param folder An empty folder for the jars.
 * @throws PipelineError as {@link fetchJars}
 */
export async function writeList(jars: Jars, folder: string, log: string): Promise<void> {
  await copyJars(jars, folder, log);
  const lines = [...(await hashJars(folder))].map(([name, sha256]) => `${sha256}  ${name}\n`);
  await writeFile(jars.list, lines.join(''));
}

async function copyJars({ whose, pom, excludeTransitive }: Jars, folder: string, log: string): Promise<void> {
  const command = {
    program: requireTool('mvn'),
    args: [
      ...['--quiet', '--batch-mode', '--strict-checksums', '--file', pom],
      ...['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`],
      ...(excludeTransitive === true ? ['-DexcludeTransitive=true'] : []),
    ],
  };
  await runLoggedCommand(`Fetching the jars of ${whose}`, command, log);
}

/** Returns the SHA-256 of each file of a folder, in hexadecimal, sorted by name. */
async function hashJars(folder: string): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for (const name of (await readdir(folder)).sort()) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(folder, name)), hash);
    hashes.set(name, hash.digest('hex'));
  }
  return hashes;
}

function parseList(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/^([0-9a-f]{64}) {2}(\S+)$/gm)].map(([, sha256 = '', name = '']) => [name, sha256]),
  );
}

/** Returns the differences between the list and the jars; empty where there are none. */
function jarFaults(expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): string[] {
  const faults: string[] = [];
  for (const [name, sha256] of found) {
    const listed = expected.get(name);
    if (listed === undefined) faults.push(`${name} is not in the list`);
    else if (listed !== sha256) faults.push(`${name} has the SHA-256 ${sha256}, and not ${listed}`);
  }
  for (const name of expected.keys()) if (!found.has(name)) faults.push(`${name} is missing`);
  return faults;
}
