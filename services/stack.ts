import { join } from 'node:path';
import { messageOf, PipelineError } from '../model/errors.ts';
import {
  deleteStackFolder,
  makeStackFolder,
  readPorts,
  stackFolder,
  writePorts,
  type StackFolder,
} from './folder.ts';
import { dataNodeService, defaultFs, nameNodeHttp, nameNodeService } from './hdfs.ts';
import type { Progress } from './install.ts';
import { kafkaService } from './kafka.ts';
import { endWithThisProcess } from './lifetime.ts';
import { withLock } from './lock.ts';
import {
  DEFAULT_PORTS,
  firstTaken,
  freePorts,
  HOST,
  SERVICE_NAMES,
  type Ports,
  type ServiceName,
} from './ports.ts';
import { ServerProcess } from './process.ts';
import { READY_MS, type Service } from './service.ts';
import { temporalService } from './temporal.ts';

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
  pause(): void;
  /** Lets it go on (SIGCONT). */
  resume(): void;
  /** Ends it cleanly if it runs, starts it on the same ports and data, and returns when it is ready. */
  restart(): Promise<void>;
}

/** How a server is. */
export interface ServiceStatus {
  readonly name: ServiceName;
  readonly health: 'healthy' | 'unhealthy' | 'paused' | 'down';
  /** What keeps it from being healthy, when it runs. */
  readonly reason?: string;
  readonly pid?: number;
  readonly addresses: Readonly<Record<string, string>>;
  readonly log: string;
}

/**
 * Starts the servers, all at once, and returns when each is ready.
 *
 * @throws PipelineError SERVICE_TOOL_MISSING, SERVICE_INSTALL_FAILED, SERVICE_PORT_TAKEN or SERVICE_NOT_READY of the
 *   first server that failed. The others are stopped then, unless the stack is detached.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const folder = stackFolder(options.folder);
  const progress = options.progress ?? (() => undefined);
  const names = SERVICE_NAMES.filter((name) => options.only?.includes(name) ?? true);
  await makeStackFolder(folder);
  return locked(folder, progress, async () => {
    const ports = await choosePorts(folder, options.ports);
    const servers = names.map((name) => new Server(name, ports, folder, progress));
    const release =
      options.detached === true
        ? () => undefined
        : endWithThisProcess(() => {
            killAll(servers);
          });
    const results = await Promise.allSettled(servers.map((server) => server.up()));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      if (options.detached !== true) await stopInReverse(servers).finally(release);
      throw failed.reason;
    }
    return runningStack(folder, ports, servers, progress, release);
  });
}

/** How each of the folder's servers is, by asking it. */
export async function stackStatus(path: string): Promise<ServiceStatus[]> {
  const folder = stackFolder(path);
  const ports = (await readPorts(folder)) ?? DEFAULT_PORTS;
  return Promise.all(SERVICE_NAMES.map((name) => new Server(name, ports, folder, () => undefined).status()));
}

/** Ends the folder's servers cleanly, with their data kept, and nothing else. */
export async function stopStack(path: string, progress: Progress): Promise<void> {
  const folder = stackFolder(path);
  const ports = await readPorts(folder);
  if (ports === undefined) return;
  const servers = SERVICE_NAMES.map((name) => new Server(name, ports, folder, progress));
  await locked(folder, progress, () => stopInReverse(servers));
}

/** Ends the folder's servers and deletes all that they stored. */
export async function resetStack(path: string, progress: Progress): Promise<void> {
  await stopStack(path, progress);
  await deleteStackFolder(stackFolder(path));
}

/** One server: what is particular to it, and its process. */
class Server {
  readonly service: Service;
  readonly process: ServerProcess;
  readonly #progress: Progress;

  constructor(name: ServiceName, ports: Ports, folder: StackFolder, progress: Progress) {
    this.service = SERVICES[name](ports, folder);
    this.process = new ServerProcess(name, folder);
    this.#progress = progress;
  }

  /** Starts it unless it runs, and waits until it is ready. */
  async up(): Promise<void> {
    const { name } = this.service;
    const began = performance.now();
    const before = this.process.current();
    if (before === undefined) await this.#start();
    try {
      await this.process.waitUntilReady(() => this.service.check(), READY_MS);
    } catch (error) {
      // One that ran before may be at work on something; only what was started here is taken back.
      if (before === undefined) await this.process.stop();
      throw error;
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const how = before === undefined ? `ready after ${seconds} s` : 'was up already';
    this.#progress(`${name}: ${how} at ${Object.values(this.service.addresses).join(', ')}`);
  }

  async down(): Promise<void> {
    const running = this.process.current() !== undefined;
    await this.process.stop();
    if (running) this.#progress(`${this.service.name}: stopped`);
  }

  async status(): Promise<ServiceStatus> {
    const running = this.process.current();
    const fixed = { name: this.service.name, addresses: this.service.addresses, log: this.process.log };
    if (running === undefined) return { ...fixed, health: 'down' };
    if (running.paused) return { ...fixed, health: 'paused', pid: running.pid };
    return this.service.check().then(
      () => ({ ...fixed, health: 'healthy' as const, pid: running.pid }),
      (error: unknown) => ({
        ...fixed,
        health: 'unhealthy' as const,
        reason: messageOf(error),
        pid: running.pid,
      }),
    );
  }

  async #start(): Promise<void> {
    const { name, ports } = this.service;
    const taken = await firstTaken(ports);
    if (taken !== undefined) {
      throw new PipelineError(
        'SERVICE_PORT_TAKEN',
        `${name} needs port ${taken} on ${HOST}, which something else holds (lsof -i :${taken} names it).`,
      );
    }
    const command = await this.service.prepare(this.#progress);
    await this.process.start(command);
  }
}

const SERVICES: Readonly<Record<ServiceName, (ports: Ports, folder: StackFolder) => Service>> = {
  temporal: (ports, folder) => temporalService(ports.temporal, folder),
  kafka: (ports, folder) => kafkaService(ports.kafka, folder),
  namenode: nameNodeService,
  datanode: dataNodeService,
};

function runningStack(
  folder: StackFolder,
  ports: Ports,
  servers: readonly Server[],
  progress: Progress,
  release: () => void,
): Stack {
  return {
    ...addressesOf(ports),
    service(name) {
      const server = servers.find((one) => one.service.name === name);
      if (server === undefined)
        throw new PipelineError('SERVICE_NOT_READY', `${name} is not part of this stack.`);
      return runningService(server, servers);
    },
    async stop() {
      await locked(folder, progress, () => stopInReverse(servers));
      release();
    },
  };
}

function runningService(server: Server, all: readonly Server[]): RunningService {
  return {
    name: server.service.name,
    get pid() {
      return server.process.current()?.pid;
    },
    kill: () => server.process.kill(),
    pause: () => {
      server.process.signal('SIGSTOP');
    },
    resume: () => {
      server.process.signal('SIGCONT');
    },
    async restart() {
      await server.down();
      await server.up();
      // HDFS stores again only when the DataNode has reported its blocks to the new NameNode.
      const datanode = all.find((one) => one.service.name === 'datanode');
      if (server.service.name === 'namenode' && datanode?.process.current() !== undefined)
        await datanode.up();
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

async function stopInReverse(servers: readonly Server[]): Promise<void> {
  for (const server of servers.toReversed()) await server.down();
}

function killAll(servers: readonly Server[]): void {
  for (const server of servers) server.process.signal('SIGKILL');
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
