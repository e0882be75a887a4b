import { join } from 'node:path';
import { runLoggedCommand } from '../../../services/command.ts';
import { cacheFolder, installOnce } from '../../../services/install.ts';

/** Versions of the other clients, and of the Node that one of them requires. */
const PLATFORMATIC = '2.12.1';
const NODE = '24.21.0';
const CONFLUENT = '1.10.1';

/** Folder of another client, and the Node that runs it. */
export interface Client {
  readonly folder: string;
  readonly node: string;
}

/** Installs `@platformatic/kafka` the first time, with the Node that it requires. */
export async function installPlatformatic(): Promise<Client> {
  const packages = [`@platformatic/kafka@${PLATFORMATIC}`, `node@${NODE}`];
  const folder = await install(`platformatic-${PLATFORMATIC}`, packages);
  return { folder, node: join(folder, 'node_modules/node/bin/node') };
}

/**
 * Installs `@confluentinc/kafka-javascript` the first time. Its binary is downloaded from a GitHub release; where
 * that is not reachable it is compiled, which needs a C++ compiler and the headers of Node, OpenSSL, zlib, zstd and
 * curl.
 */
export async function installConfluent(): Promise<Client> {
  const folder = await install(`confluent-${CONFLUENT}`, [`@confluentinc/kafka-javascript@${CONFLUENT}`]);
  return { folder, node: process.execPath };
}

/** Installs packages in a folder of the cache, with their install scripts, which the project disables for its own. */
async function install(name: string, packages: readonly string[]): Promise<string> {
  return installOnce(join(cacheFolder(), `kafka-client-${name}`), async (content) => {
    const args = ['install', '--prefix', content, '--ignore-scripts=false', '--no-save', ...packages];
    const log = join(cacheFolder(), 'logs', `kafka-client-${name}.log`);
    await runLoggedCommand(`Installing ${packages.join(', ')}`, { program: 'npm', args }, log);
  });
}
