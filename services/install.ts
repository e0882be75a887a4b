import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { makePrivateFolder } from '../lib/private-files.ts';
import type { Command } from './command.ts';
import { findProcessByPid } from './identity.ts';
import { fetchJars, type Jars } from './jars.ts';
import { requireTool } from './tools.ts';

/** Reports what takes time, as a line for people. */
export type Progress = (line: string) => void;

/** A product that Maven fetches. */
export type Product = 'kafka' | 'hdfs';

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
export async function installProductJars(product: Product, progress: Progress): Promise<string> {
  const { folder, version } = await productFolder(product);
  return installOnce(folder, async (content) => {
    progress(`${product}: fetching version ${version} with Maven, once, which takes up to a minute`);
    await fetchJars(jarsOf(product), content, join(cacheFolder(), 'logs', `${basename(folder)}.log`));
  });
}

/** Returns whether a product's jars have been fetched. */
export async function hasProductJars(product: Product): Promise<boolean> {
  return existsSync((await productFolder(product)).folder);
}

/** Returns the folder of a product's jars, and the product's version. */
async function productFolder(product: Product): Promise<{ folder: string; version: string }> {
  const { pom: pomFile, list: listFile } = jarsOf(product);
  const [pom, list] = await Promise.all([readFile(pomFile, 'utf8'), readFile(listFile, 'utf8')]);
  const version = /<version>([^<]+)<\/version>/.exec(pom)?.[1] ?? 'unversioned';
  // The name has the hash of both files, so a changed dependency is fetched again.
  const hash = createHash('sha256').update(pom).update(list).digest('hex').slice(0, 8);
  return { folder: join(cacheFolder(), `${product}-${version}-${hash}`), version };
}

/** Returns the list of the jars that a server runs on. */
export function jarsOf(product: Product): Jars {
  const folder = join(import.meta.dirname, product);
  return { whose: product, pom: join(folder, 'pom.xml'), list: join(folder, 'jars.sha256') };
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
