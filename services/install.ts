import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { makePrivateFolder } from '../lib/private-files.ts';
import { PipelineError } from '../model/errors.ts';
import { runLoggedCommand, type Command } from './command.ts';
import { findProcessByPid } from './identity.ts';
import { fetchJars, type Jars } from './jars.ts';
import { isProgram, onPath, requireTool } from './tools.ts';

/** Reports what takes time, as a line for people. */
export type Progress = (line: string) => void;

/** Version of Temporal's CLI, which contains the server and the UI. */
const TEMPORAL_VERSION = '1.5.1';

const PARTIAL = '.partial-';

/** Folder of downloads and builds, shared by all checkouts of this user. */
export function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'assessment-pipeline');
}

/**
 * Returns the folder with a product's jars, as `services/<product>/pom.xml` pins them; Maven fetches them the first
 * time.
 *
 * @throws PipelineError SERVICE_TOOL_MISSING without Maven, SERVICE_INSTALL_FAILED when Maven fails or a jar doesn't
 * match `services/<product>/jars.sha256`.
 */
export async function installProductJars(product: 'kafka' | 'hdfs', progress: Progress): Promise<string> {
  const jars = jarsOf(product);
  const [pom, list] = await Promise.all([readFile(jars.pom, 'utf8'), readFile(jars.list, 'utf8')]);
  const version = /<version>([^<]+)<\/version>/.exec(pom)?.[1] ?? 'unversioned';
  // The name has the hash of both files, so a changed dependency is fetched again.
  const hash = createHash('sha256').update(pom).update(list).digest('hex').slice(0, 8);
  const name = `${product}-${version}-${hash}`;
  return installOnce(join(cacheFolder(), name), async (content) => {
    progress(`${product}: fetching version ${version} with Maven, once`);
    await fetchJars(jars, content, join(cacheFolder(), 'logs', `${name}.log`));
  });
}

/** Returns the list of the jars that a server runs on. */
export function jarsOf(product: 'kafka' | 'hdfs'): Jars {
  const folder = join(import.meta.dirname, product);
  return { whose: product, pom: join(folder, 'pom.xml'), list: join(folder, 'jars.sha256') };
}

/**
 * Returns the `temporal` program: $TEMPORAL_CLI, the one on the PATH, or one that is built with Go the first time.
 *
 * @throws PipelineError SERVICE_TOOL_MISSING without Go, SERVICE_INSTALL_FAILED when the build fails.
 */
export async function installTemporal(progress: Progress): Promise<string> {
  const named = process.env['TEMPORAL_CLI'];
  if (named !== undefined && named !== '') {
    if (isProgram(named)) return resolve(named);
    throw new PipelineError('SERVICE_TOOL_MISSING', `TEMPORAL_CLI names ${named}, which is no program.`);
  }
  const found = onPath('temporal');
  if (found !== undefined) return found;
  const name = `temporal-${TEMPORAL_VERSION}`;
  const folder = await installOnce(join(cacheFolder(), name), (content, scratch) => {
    progress(`temporal: building version ${TEMPORAL_VERSION} with Go, once; this takes minutes`);
    return buildTemporal(content, scratch, join(cacheFolder(), 'logs', `${name}.log`));
  });
  return join(folder, 'temporal');
}

/** Builds the `temporal` program. */
function buildTemporal(content: string, scratch: string, log: string): Promise<void> {
  const args = ['install', '-ldflags=-s -w', `github.com/temporalio/cli/cmd/temporal@v${TEMPORAL_VERSION}`];
  const command = goCommand(args, scratch, { GOBIN: content });
  return runLoggedCommand(`Building Temporal ${TEMPORAL_VERSION}`, command, log);
}

/**
 * Runs Go. Its module and build caches take gigabytes, so they are deleted with the scratch folder.
 *
 * @throws PipelineError SERVICE_TOOL_MISSING without Go.
 */
export function goCommand(
  args: readonly string[],
  scratch: string,
  env: Readonly<Record<string, string>> = {},
): Command {
  return {
    program: requireTool('go'),
    args,
    env: {
      ...env,
      GOMODCACHE: join(scratch, 'modules'),
      GOCACHE: join(scratch, 'build'),
      // Go's module cache is read-only by default, and could not be deleted.
      GOFLAGS: `${process.env['GOFLAGS'] ?? ''} -modcacherw`.trim(),
    },
  };
}

type Fill = (content: string, scratch: string) => Promise<void>;

/** Installations under way in this process: the NameNode and the DataNode need the same jars at once. */
const underWay = new Map<string, Promise<string>>();

/**
 * Fills a folder once and atomically: `fill` writes to another folder, which is then renamed. Neither an interruption
 * nor a concurrent process leaves half of it.
 *
 * @param fill Receives an empty folder for the content and a scratch folder that is deleted afterwards.
 */
export function installOnce(target: string, fill: Fill): Promise<string> {
  const running = underWay.get(target);
  if (running !== undefined) return running;
  const installation = install(target, fill).finally(() => underWay.delete(target));
  underWay.set(target, installation);
  return installation;
}

async function install(target: string, fill: Fill): Promise<string> {
  if (existsSync(target)) return target;
  await makePrivateFolder(dirname(target));
  await removeAbandoned(target);
  const temporary = await mkdtemp(`${target}${PARTIAL}${process.pid}-`);
  try {
    const content = join(temporary, 'content');
    await mkdir(content);
    await fill(content, temporary);
    await rename(content, target).catch((error: unknown) => {
      if (!existsSync(target)) throw error; // else another process installed the same first
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return target;
}

/** Deletes the leftovers of an interrupted {@link installOnce}. */
async function removeAbandoned(target: string): Promise<void> {
  const prefix = `${basename(target)}${PARTIAL}`;
  for (const name of await readdir(dirname(target))) {
    if (!name.startsWith(prefix)) continue;
    const owner = Number.parseInt(name.slice(prefix.length), 10);
    if (findProcessByPid(owner) === undefined)
      await rm(join(dirname(target), name), { recursive: true, force: true });
  }
}
