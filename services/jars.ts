import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PipelineError } from '../model/errors.ts';
import { runCommand } from './command.ts';
import { requireTool } from './tools.ts';

/** Jars that Maven fetches, and the list of what they must be. */
export interface Jars {
  /** Whose they are, for messages. */
  readonly whose: string;
  readonly pom: string;
  /** The file with the SHA-256 and the name of each, as `sha256sum` writes it. */
  readonly list: string;
  /** Whether the jars that the named ones need are left out. */
  readonly excludeTransitive?: boolean;
}

/** Returns the jars that a `pom.xml` names, without those that they name in turn; their list `jars.sha256` is beside it. */
export function jarsBesidePom(whose: string, pom: string): Jars {
  return { whose, pom, list: join(dirname(pom), 'jars.sha256'), excludeTransitive: true };
}

/**
 * Fetches jars into an empty folder. Maven compares each download with the checksum beside it on the server, which
 * finds a damaged one; the list in this repository also finds one that was replaced on the server, or in Maven's own
 * folder on this machine.
 * @param log Where Maven's output goes.
 * @throws PipelineError SERVICE_TOOL_MISSING without Maven, SERVICE_INSTALL_FAILED when it fails or a jar is another.
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
 * Writes the list of what Maven fetches now; for a person who changed the pom.xml and looks at the difference.
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
  await runCommand(`Fetching the jars of ${whose}`, command, log);
}

/** The SHA-256 of each file of a folder, in hexadecimal, sorted by name. */
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

/** What differs between the list and the jars; empty where nothing does. */
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
