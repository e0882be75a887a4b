import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { CROSS_SITE_HEADER } from '../adapters/hdfs/access.ts';
import { makePrivateFolder } from '../lib/private-files.ts';
import { messageOf, PipelineError } from '../model/errors.ts';
import { runLoggedCommand, type Command } from './command.ts';
import { writeWhole, type StackFolder } from './folder.ts';
import { formatOnce } from './format.ts';
import { installProductJars, type Progress } from './install.ts';
import { LOOPBACK_HOST, type Ports } from './ports.ts';
import { CHECK_MS, type Service } from './service.ts';
import { JAVA_OPTIONS, requireJava } from './tools.ts';

/** User of the daemons, and so HDFS's superuser. */
const SUPERUSER = 'hdfs';

type HdfsPorts = Pick<Ports, 'namenode' | 'datanode'>;

/** Returns the `fs.defaultFS` of HDFS clients, with the NameNode's own host name. */
export function defaultFs(ports: HdfsPorts): string {
  return `hdfs://localhost:${ports.namenode.rpc}`;
}

/** Returns the address of the NameNode's web pages and WebHDFS. */
export function nameNodeHttp(ports: HdfsPorts): string {
  return `http://${LOOPBACK_HOST}:${ports.namenode.http}`;
}

/** Settings of `hdfs-site.xml` that differ from those of the services. */
export type HdfsSettings = Readonly<Record<string, string>>;

/** Returns HDFS's NameNode. It is ready when it answers, even without a DataNode to write to. */
export function nameNodeService(ports: HdfsPorts, folder: StackFolder, settings: HdfsSettings = {}): Service {
  const http = nameNodeHttp(ports);
  return {
    name: 'namenode',
    ports: Object.values(ports.namenode),
    addresses: { fs: defaultFs(ports), http },
    async prepare(progress) {
      const java = await prepareJava(ports, folder, settings, progress);
      await formatOnce(folder.data('namenode'), () => {
        const command = java('org.apache.hadoop.hdfs.server.namenode.NameNode', [
          '-format',
          '-nonInteractive',
        ]);
        return runLoggedCommand('Formatting HDFS', command, join(folder.config('hdfs'), 'format.log'));
      });
      return java('org.apache.hadoop.hdfs.server.namenode.NameNode');
    },
    async check() {
      await askNameNode(http);
    },
  };
}

/** Returns HDFS's only DataNode. It is ready when the NameNode would place a new file on it. */
export function dataNodeService(ports: HdfsPorts, folder: StackFolder, settings: HdfsSettings = {}): Service {
  const http = `http://${LOOPBACK_HOST}:${ports.datanode.http}`;
  return {
    name: 'datanode',
    ports: Object.values(ports.datanode),
    addresses: { http },
    async prepare(progress) {
      const java = await prepareJava(ports, folder, settings, progress);
      return java('org.apache.hadoop.hdfs.server.datanode.DataNode');
    },
    async check() {
      // The NameNode counts a dead DataNode as live for another 14 s, so the DataNode is checked too.
      await askDataNode(http);
      const state = await askNameNode(nameNodeHttp(ports));
      if (state.FSState !== 'Operational') throw notReady(`HDFS is in ${state.FSState}`);
      if (state.NumLiveDataNodes < 1) throw notReady('the NameNode knows of no live DataNode');
      await askPlacement(nameNodeHttp(ports));
    },
  };
}

/** Installs the jars, writes the settings, and returns a function that builds the command of a Hadoop class. */
async function prepareJava(
  ports: HdfsPorts,
  folder: StackFolder,
  settings: HdfsSettings,
  progress: Progress,
): Promise<(mainClass: string, args?: readonly string[]) => Command> {
  requirePlainPath(folder.root);
  const program = requireJava();
  const jars = await installProductJars('hdfs', progress);
  const config = folder.config('hdfs');
  await makePrivateFolder(config);
  // The other daemon may be reading the same files now.
  await writeWhole(join(config, 'core-site.xml'), siteXml(coreSite(ports, folder)));
  await writeWhole(join(config, 'hdfs-site.xml'), siteXml({ ...hdfsSite(ports, folder), ...settings }));
  const options = [
    '-Xmx192m',
    ...JAVA_OPTIONS,
    // Without it WebHDFS answers 500 NoClassDefFoundError on Java 17.
    '--add-opens=java.base/java.lang=ALL-UNNAMED',
    ...['-cp', [config, join(import.meta.dirname, 'hdfs'), join(jars, '*')].join(delimiter)],
  ];
  return (mainClass, args = []) => ({
    program,
    args: [...options, mainClass, ...args],
    env: { HADOOP_USER_NAME: SUPERUSER },
  });
}

/** Hadoop's DataNode uses the URL of its data folder as a format string, and fails on a percent sign in it. */
function requirePlainPath(path: string): void {
  if (pathToFileURL(path).pathname === path) return;
  throw new PipelineError(
    'SETTINGS_INVALID',
    `HDFS cannot keep its data in ${path}: a DataNode fails on blanks and special characters in a path. Choose another with --folder.`,
  );
}

function coreSite(ports: HdfsPorts, folder: StackFolder): Record<string, string> {
  return {
    'fs.defaultFS': defaultFs(ports),
    'hadoop.tmp.dir': folder.data('hadoop-tmp'),
    // The DataNode starts at the same time as the NameNode, and need not wait long for it to listen.
    'ipc.client.connect.retry.interval': '200',
    'ipc.client.connect.max.retries': '100',
  };
}

function hdfsSite(ports: HdfsPorts, folder: StackFolder): Record<string, string> {
  return {
    'dfs.namenode.rpc-address': `localhost:${ports.namenode.rpc}`,
    'dfs.namenode.http-address': `localhost:${ports.namenode.http}`,
    'dfs.namenode.rpc-bind-host': LOOPBACK_HOST,
    'dfs.namenode.http-bind-host': LOOPBACK_HOST,
    'dfs.namenode.name.dir': pathToFileURL(join(folder.data('namenode'), 'name')).href,
    'dfs.datanode.data.dir': pathToFileURL(join(folder.data('datanode'), 'blocks')).href,
    // The host that WebHDFS redirects reads and writes to.
    'dfs.datanode.hostname': 'localhost',
    'dfs.datanode.address': `${LOOPBACK_HOST}:${ports.datanode.data}`,
    'dfs.datanode.http.address': `${LOOPBACK_HOST}:${ports.datanode.http}`,
    'dfs.datanode.ipc.address': `${LOOPBACK_HOST}:${ports.datanode.ipc}`,
    'dfs.replication': '1',
    'dfs.permissions.enabled': 'true',
    // Rejects cross-site POST, PUT and DELETE, by which a page in a browser could change files.
    'dfs.webhdfs.rest-csrf.enabled': 'true',
    // By default only the user agents Mozilla and Opera count as browsers.
    'dfs.webhdfs.rest-csrf.browser-useragents-regex': '.*',
    'dfs.blocksize': '128m',
    'dfs.namenode.safemode.extension': '0',
    // A dead DataNode is detected after 14 s instead of ten minutes.
    'dfs.heartbeat.interval': '1',
    'dfs.namenode.heartbeat.recheck-interval': '2000',
    // With the default of 400 ms, closing many a small file takes that long.
    'dfs.client.block.write.locateFollowingBlock.initial.delay.ms': '20',
  };
}

/** Formats a Hadoop settings file. */
function siteXml(settings: Record<string, string>): string {
  const lines = Object.entries(settings).map(
    ([name, value]) => `  <property><name>${name}</name><value>${escapeXml(value)}</value></property>\n`,
  );
  return `<?xml version="1.0"?>\n<configuration>\n${lines.join('')}</configuration>\n`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

const nameNodeBeans = z.object({
  beans: z.tuple([z.object({ FSState: z.string(), NumLiveDataNodes: z.number() })]),
});

const dataNodeBeans = z.object({ beans: z.tuple([z.object({ BPServiceActorInfo: z.string() })]) });
const dataNodeActors = z.array(z.object({ ActorState: z.string() }));

async function askNameNode(http: string) {
  const answer = await getJson(`${http}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState`);
  return nameNodeBeans.parse(answer).beans[0];
}

async function askDataNode(http: string): Promise<void> {
  const answer = await getJson(`${http}/jmx?qry=Hadoop:service=DataNode,name=DataNodeInfo`);
  const actors = dataNodeActors.parse(JSON.parse(dataNodeBeans.parse(answer).beans[0].BPServiceActorInfo));
  if (!actors.some((actor) => actor.ActorState === 'RUNNING'))
    throw notReady('the DataNode is not yet registered');
}

/** Requests the first step of a write: the NameNode chooses a DataNode, and no file is created yet. */
async function askPlacement(http: string): Promise<void> {
  const url = `${http}/webhdfs/v1/.ready?op=CREATE&noredirect=true&user.name=${SUPERUSER}`;
  const response = await fetch(url, {
    method: 'PUT',
    headers: CROSS_SITE_HEADER,
    signal: AbortSignal.timeout(CHECK_MS),
  });
  if (!response.ok)
    throw notReady(`a write would not be placed: ${response.status} ${await response.text()}`);
  await response.body?.cancel();
}

async function getJson(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(CHECK_MS) });
  if (!response.ok) throw notReady(`${url} answers ${response.status}`);
  try {
    return await response.json();
  } catch (cause) {
    throw notReady(`${url} gives no JSON: ${messageOf(cause)}`);
  }
}

function notReady(message: string): PipelineError {
  return new PipelineError('SERVICE_NOT_READY', message);
}
