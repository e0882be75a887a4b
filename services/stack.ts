import { join } from 'node:path';
import { PipelineError } from '../model/errors.ts';
import {
  deleteStackFolder,
  makeStackFolder,
  readPorts,
  stackFolder,
  writePorts,
  type StackFolder,
} from './folder.ts';
import { defaultFs, nameNodeHttp, type HdfsSettings } from './hdfs.ts';
import type { Progress } from './install.ts';
import { endWithThisProcess } from './lifetime.ts';
import { withLock } from './lock.ts';
import {
  DEFAULT_PORTS,
  freePorts,
  LOOPBACK_HOST,
  SERVICE_NAMES,
  type Ports,
  type ServiceName,
} from './ports.ts';
import { ServerProcess } from './process.ts';
import { requirePrograms } from './requirements.ts';
import { Server, type ServiceStatus } from './server.ts';

/** The servers to start, and their folder. */
export interface StackOptions {
  /** Folder of data, logs, pids and ports; created when missing. Servers that already run in it are left alone. */
  readonly folder: string;
  /**
   * `default`: the ports that the folder's servers had last; for a new folder, {@link DEFAULT_PORTS}.
   * `free`: other free ports, unless some of the folder's servers run; then all ports stay.
   */
  readonly ports: 'default' | 'free';
  /** Servers to start; all by default. */
  readonly only?: readonly ServiceName[];
  /** Whether the servers outlive this process; false by default. */
  readonly detached?: boolean;
  /** Receives progress, a line at a time. */
  readonly progress?: Progress;
  /** Settings of HDFS that differ from the usual ones, for as long as its servers run. */
  readonly hdfs?: HdfsSettings;
}

/** Addresses of the servers, for clients. Nothing listens on those of servers that were not requested. */
export interface Addresses {
  readonly temporal: { readonly address: string; readonly uiUrl: string };
  readonly kafka: { readonly brokers: readonly string[] };
  readonly hdfs: { readonly nameNodeHttp: string; readonly defaultFs: string };
}

/** A stack of running servers. */
export interface Stack extends Addresses {
  /** @throws PipelineError SERVICE_NOT_READY for a server that is not part of this stack. */
  service(name: ServiceName): RunningService;
  /** Stops the servers cleanly, keeps their data, and returns when they are gone. */
  stop(): Promise<void>;
}

/** One server of a stack, for tests that break it. */
export interface RunningService {
  readonly name: ServiceName;
  /** Undefined while the server is down. */
  readonly pid: number | undefined;
  /** Kills the server as a crash does (SIGKILL), and returns when it is gone. */
  kill(signal: 'SIGKILL'): Promise<void>;
  /** Pauses the server (SIGSTOP): it accepts connections, and answers nothing. */
  pause(): Promise<void>;
  /** Resumes the server (SIGCONT). */
  resume(): Promise<void>;
  /**
   * Stops the server cleanly if it runs, starts it on the same ports and data, and returns when it is ready. After a
   * restart of the NameNode a user's first request through the DataNode can still fail with 403 EOFException, as on
   * any HDFS: only then does the DataNode notice that its connection is stale.
   */
  restart(): Promise<void>;
}

/**
 * Starts the servers, all at once, and returns when each is ready.
 *
 * @throws PipelineError SERVICE_TOOL_MISSING, SERVICE_INSTALL_FAILED, SERVICE_PORT_TAKEN or SERVICE_NOT_READY of the
 * first server that fails. The started servers are then stopped, but those of a detached stack that are ready stay.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const folder = stackFolder(options.folder);
  const progress = options.progress ?? silent;
  const names = SERVICE_NAMES.filter((name) => options.only?.includes(name) ?? true);
  await requirePrograms(names);
  await makeStackFolder(folder);
  return locked(folder, progress, async () => {
    const ports = await choosePorts(folder, options.ports);
    const servers = names.map((name) => new Server(name, ports, folder, progress, options.hdfs));
    for (const server of servers) await server.requirePorts();
    if (options.detached === true) {
      await allUp(servers);
      return runningStack(folder, ports, servers, progress);
    }
    const release = endWithThisProcess(() => {
      for (const server of servers) server.process.signal('SIGKILL');
    });
    try {
      await allUp(servers);
    } catch (error) {
      await stopInReverse(servers).finally(release);
      throw error;
    }
    return runningStack(folder, ports, servers, progress, release);
  });
}

/** Returns the status of each of the folder's servers. */
export async function stackStatus(path: string): Promise<ServiceStatus[]> {
  const folder = stackFolder(path);
  const ports = (await readPorts(folder)) ?? DEFAULT_PORTS;
  return Promise.all(SERVICE_NAMES.map((name) => new Server(name, ports, folder, silent).status()));
}

/** Stops the folder's servers cleanly, and keeps their data. */
export async function stopStack(path: string, progress: Progress): Promise<void> {
  const folder = stackFolder(path);
  const ports = (await readPorts(folder)) ?? DEFAULT_PORTS;
  const servers = SERVICE_NAMES.map((name) => new Server(name, ports, folder, progress));
  await stopServers(folder, servers, progress);
}

/** Stops the folder's servers and deletes their data. */
export async function resetStack(path: string, progress: Progress): Promise<void> {
  await stopStack(path, progress);
  await deleteStackFolder(stackFolder(path));
}

function silent(): void {
  // ignores progress
}

/**
 * Starts servers at once. The first failure ends the wait for the others: a DataNode is never ready without its
 * NameNode.
 */
async function allUp(servers: readonly Server[]): Promise<void> {
  const failure = new AbortController();
  await Promise.allSettled(
    servers.map((server) =>
      server.up(failure.signal).catch((error: unknown) => {
        failure.abort(error);
      }),
    ),
  );
  failure.signal.throwIfAborted();
}

async function stopServers(
  folder: StackFolder,
  servers: readonly Server[],
  progress: Progress,
): Promise<void> {
  if ((await readPorts(folder)) === undefined) return; // never started, or reset
  await locked(folder, progress, () => stopInReverse(servers));
}

async function stopInReverse(servers: readonly Server[]): Promise<void> {
  for (const server of servers.toReversed()) await server.down();
}

function runningStack(
  folder: StackFolder,
  ports: Ports,
  servers: readonly Server[],
  progress: Progress,
  release: () => void = silent,
): Stack {
  return {
    ...addressesOf(ports),
    service(name) {
      const server = servers.find((one) => one.name === name);
      if (server !== undefined) return runningService(server, servers);
      throw new PipelineError('SERVICE_NOT_READY', `${name} is not part of this stack.`);
    },
    async stop() {
      await stopServers(folder, servers, progress);
      release();
    },
  };
}

function runningService(server: Server, all: readonly Server[]): RunningService {
  const { name, process } = server;
  return {
    name,
    get pid() {
      return process.current()?.pid;
    },
    kill: () => process.kill(),
    pause: () => process.pause(),
    resume: () => process.resume(),
    async restart() {
      await server.down();
      await server.up();
      // HDFS accepts writes only after the DataNode has reported its blocks to the new NameNode.
      const dataNode = all.find((one) => one.name === 'datanode');
      if (name === 'namenode' && dataNode?.process.current()?.paused === false) await dataNode.up();
    },
  };
}

function addressesOf(ports: Ports): Addresses {
  return {
    temporal: {
      address: `${LOOPBACK_HOST}:${ports.temporal.grpc}`,
      uiUrl: `http://${LOOPBACK_HOST}:${ports.temporal.ui}`,
    },
    kafka: { brokers: [`${LOOPBACK_HOST}:${ports.kafka.broker}`] },
    hdfs: { nameNodeHttp: nameNodeHttp(ports), defaultFs: defaultFs(ports) },
  };
}

/** Ports stay while a server of the folder runs, since clients and other servers use them. */
async function choosePorts(folder: StackFolder, wish: 'default' | 'free'): Promise<Ports> {
  const known = await readPorts(folder);
  const running = SERVICE_NAMES.some((name) => new ServerProcess(name, folder).current() !== undefined);
  if (known !== undefined && (running || wish === 'default')) return known;
  const ports = wish === 'free' ? await freePorts() : DEFAULT_PORTS;
  await writePorts(folder, ports);
  return ports;
}

function locked<Result>(
  folder: StackFolder,
  progress: Progress,
  work: () => Promise<Result>,
): Promise<Result> {
  const waiting = (pid: number) => {
    progress(`waiting for process ${pid}, which is at work on the same servers`);
  };
  return withLock(join(folder.root, 'lock'), waiting, work);
}
