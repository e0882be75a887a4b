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
import { defaultFs, nameNodeHttp } from './hdfs.ts';
import type { Progress } from './install.ts';
import { endWithThisProcess } from './lifetime.ts';
import { withLock } from './lock.ts';
import { DEFAULT_PORTS, freePorts, HOST, SERVICE_NAMES, type Ports, type ServiceName } from './ports.ts';
import { ServerProcess } from './process.ts';
import { Server, type ServiceStatus } from './server.ts';

/** What to start and where. */
export interface StackOptions {
  /** Holds the data, logs, pids and ports; made when missing. What runs on it already is left alone. */
  readonly folder: string;
  /**
   * `default`: those that the folder's servers had last, for a new folder the usual ones.
   * `free`: others that nothing uses, unless some of the folder's servers run, whose ports then stay.
   */
  readonly ports: 'default' | 'free';
  /** Which servers; all unless named. */
  readonly only?: readonly ServiceName[];
  /** Whether the servers outlive this process; they end with it unless this is set. */
  readonly detached?: boolean;
  /** Told what is being done, a line at a time. */
  readonly progress?: Progress;
}

/** Where clients find the servers. Those of a server that was not asked for lead nowhere. */
export interface Addresses {
  readonly temporal: { readonly address: string; readonly uiUrl: string };
  readonly kafka: { readonly brokers: readonly string[] };
  readonly hdfs: { readonly nameNodeHttp: string; readonly defaultFs: string };
}

/** Servers that are up. */
export interface Stack extends Addresses {
  /** @throws PipelineError SERVICE_NOT_READY for a server that this stack was not asked for. */
  service(name: ServiceName): RunningService;
  /** Ends the servers cleanly, with their data kept, and returns when they are gone. */
  stop(): Promise<void>;
}

/** One server of a stack, to be broken and mended. */
export interface RunningService {
  readonly name: ServiceName;
  /** Undefined while it is down. */
  readonly pid: number | undefined;
  /** Ends it without a chance to clean up, as a crash does, and returns when it is gone. */
  kill(signal: 'SIGKILL'): Promise<void>;
  /** Freezes it (SIGSTOP): it takes connections, and answers nothing. */
  pause(): Promise<void>;
  /** Lets it go on (SIGCONT). */
  resume(): Promise<void>;
  /**
   * Ends it cleanly if it runs, starts it on the same ports and data, and returns when it is ready. After a restart
   * of the NameNode the first request of a user through the DataNode can still fail with 403 EOFException, as on any
   * HDFS: the DataNode learns only then that its connection is to the former NameNode.
   */
  restart(): Promise<void>;
}

/**
 * Starts the servers, all at once, and returns when each is ready.
 *
 * @throws PipelineError SERVICE_TOOL_MISSING, SERVICE_INSTALL_FAILED, SERVICE_PORT_TAKEN or SERVICE_NOT_READY of the
 *   first server that fails. What was started is stopped then, or, of a detached stack, left where it is ready.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const folder = stackFolder(options.folder);
  const progress = options.progress ?? silent;
  const names = SERVICE_NAMES.filter((name) => options.only?.includes(name) ?? true);
  await makeStackFolder(folder);
  return locked(folder, progress, async () => {
    const ports = await choosePorts(folder, options.ports);
    const servers = names.map((name) => new Server(name, ports, folder, progress));
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

/** How each of the folder's servers is, by asking it. */
export async function stackStatus(path: string): Promise<ServiceStatus[]> {
  const folder = stackFolder(path);
  const ports = (await readPorts(folder)) ?? DEFAULT_PORTS;
  return Promise.all(SERVICE_NAMES.map((name) => new Server(name, ports, folder, silent).status()));
}

/** Ends the folder's servers cleanly, with their data kept, and nothing else. */
export async function stopStack(path: string, progress: Progress): Promise<void> {
  const folder = stackFolder(path);
  const ports = (await readPorts(folder)) ?? DEFAULT_PORTS;
  const servers = SERVICE_NAMES.map((name) => new Server(name, ports, folder, progress));
  await stopServers(folder, servers, progress);
}

/** Ends the folder's servers and deletes all that they stored. */
export async function resetStack(path: string, progress: Progress): Promise<void> {
  await stopStack(path, progress);
  await deleteStackFolder(stackFolder(path));
}

function silent(): void {
  // progress that nobody asked for
}

/** The first failure ends the wait for the others: without its NameNode a DataNode would be waited for in vain. */
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
  if ((await readPorts(folder)) === undefined) return; // nothing was ever started here, or it was reset
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
      // HDFS stores again only when the DataNode has reported its blocks to the new NameNode.
      const dataNode = all.find((one) => one.name === 'datanode');
      if (name === 'namenode' && dataNode?.process.current()?.paused === false) await dataNode.up();
    },
  };
}

function addressesOf(ports: Ports): Addresses {
  return {
    temporal: { address: `${HOST}:${ports.temporal.grpc}`, uiUrl: `http://${HOST}:${ports.temporal.ui}` },
    kafka: { brokers: [`${HOST}:${ports.kafka.broker}`] },
    hdfs: { nameNodeHttp: nameNodeHttp(ports), defaultFs: defaultFs(ports) },
  };
}

/** Ports are kept for as long as a server of the folder runs, since others know it by them. */
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
