import { messageOf, PipelineError } from '../model/errors.ts';
import type { StackFolder } from './folder.ts';
import { dataNodeService, nameNodeService, type HdfsSettings } from './hdfs.ts';
import type { Progress } from './install.ts';
import { kafkaService } from './kafka.ts';
import { findUsedPort, LOOPBACK_HOST, type Ports, type ServiceName } from './ports.ts';
import { ServerProcess } from './process.ts';
import { READY_MS, type Service } from './service.ts';
import { temporalService } from './temporal.ts';

/** Status of a server. */
export interface ServiceStatus {
  readonly name: ServiceName;
  readonly health: 'healthy' | 'unhealthy' | 'paused' | 'down';
  /** Reason that a running server is not healthy. */
  readonly reason?: string;
  readonly pid?: number;
  readonly addresses: Readonly<Record<string, string>>;
  readonly log: string;
}

type MakeService = (ports: Ports, folder: StackFolder, hdfs?: HdfsSettings) => Service;

const SERVICES: Readonly<Record<ServiceName, MakeService>> = {
  temporal: (ports, folder) => temporalService(ports.temporal, folder),
  kafka: (ports, folder) => kafkaService(ports.kafka, folder),
  namenode: nameNodeService,
  datanode: dataNodeService,
};

/** One server of a stack: its service and its process. */
export class Server {
  readonly name: ServiceName;
  readonly process: ServerProcess;
  readonly #service: Service;
  readonly #progress: Progress;

  constructor(name: ServiceName, ports: Ports, folder: StackFolder, progress: Progress, hdfs?: HdfsSettings) {
    this.name = name;
    this.process = new ServerProcess(name, folder);
    this.#service = SERVICES[name](ports, folder, hdfs);
    this.#progress = progress;
  }

  /**
   * Checks, before anything is started, that the server's ports are available.
   *
   * @throws PipelineError SERVICE_PORT_TAKEN when it is down and another program uses one of them.
   */
  async requirePorts(): Promise<void> {
    if (this.process.current() !== undefined) return;
    const taken = await findUsedPort(this.#service.ports);
    if (taken === undefined) return;
    throw new PipelineError(
      'SERVICE_PORT_TAKEN',
      `${this.name} needs port ${taken} on ${LOOPBACK_HOST}, which something else holds (lsof -i :${taken} names it).`,
    );
  }

  /**
   * Starts the server unless it runs, and waits until it is ready. If it does not become ready, it is stopped, unless
   * it ran before: then it may be in use.
   *
   * @param given Ends the wait when aborted.
   * @throws PipelineError SERVICE_TOOL_MISSING, SERVICE_INSTALL_FAILED or SERVICE_NOT_READY.
   */
  async up(given?: AbortSignal): Promise<void> {
    const began = performance.now();
    const before = this.process.current();
    if (before === undefined) {
      const command = await this.#service.prepare(this.#progress);
      given?.throwIfAborted();
      await this.process.start(command);
    } else if (before.paused) await this.process.resume();
    try {
      await this.process.waitUntilReady(() => this.#service.check(), READY_MS, given);
    } catch (error) {
      if (before === undefined) await this.process.stop();
      throw error;
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const how = before === undefined ? `ready after ${seconds} s` : 'was up already';
    this.#progress(`${this.name}: ${how} at ${Object.values(this.#service.addresses).join(', ')}`);
  }

  /** Stops the server cleanly, if it runs, and returns when it is gone. */
  async down(): Promise<void> {
    const running = this.process.current() !== undefined;
    await this.process.stop();
    if (running) this.#progress(`${this.name}: stopped`);
  }

  /** Checks the server, and returns its status. */
  async status(): Promise<ServiceStatus> {
    const running = this.process.current();
    const at = { addresses: this.#service.addresses, log: this.process.log };
    if (running === undefined) return { name: this.name, health: 'down', ...at };
    const { pid } = running;
    if (running.paused) return { name: this.name, health: 'paused', pid, ...at };
    const reason = await this.#service.check().then(() => undefined, messageOf);
    if (reason === undefined) return { name: this.name, health: 'healthy', pid, ...at };
    return { name: this.name, health: 'unhealthy', reason, pid, ...at };
  }
}
