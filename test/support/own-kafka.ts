import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeStackFolder, stackFolder } from '../../services/folder.ts';
import { kafkaService, type KafkaExtras } from '../../services/kafka.ts';
import { endWithThisProcess } from '../../services/lifetime.ts';
import { LOOPBACK_HOST, type Ports } from '../../services/ports.ts';
import { ServerProcess } from '../../services/process.ts';
import { READY_MS, type Service } from '../../services/service.ts';

/** A real broker of one test, which may break it, or give it other settings than the shared one has. */
export class OwnKafka {
  /** Folder of its files, removed when it stops. */
  readonly folder: string;
  /** host:port of the plain listener that every such broker has. */
  readonly broker: string;
  readonly #server: ServerProcess;
  readonly #service: Service;
  readonly #release: () => void;

  private constructor(folder: string, broker: string, server: ServerProcess, service: Service) {
    this.folder = folder;
    this.broker = broker;
    this.#server = server;
    this.#service = service;
    this.#release = endWithThisProcess(() => {
      server.signal('SIGKILL');
    });
  }

  /**
   * @param folder Folder of its files, removed when it stops.
   * @param ports Free ports.
   * @param extras Extra options.
   */
  static async start(folder: string, ports: Ports['kafka'], extras: KafkaExtras): Promise<OwnKafka> {
    const root = stackFolder(join(folder, 'server'));
    await makeStackFolder(root);
    const service = kafkaService(ports, root, extras);
    const server = new ServerProcess('kafka', root);
    const kafka = new OwnKafka(folder, `${LOOPBACK_HOST}:${ports.broker}`, server, service);
    await kafka.restart();
    return kafka;
  }

  /** Kills the broker (SIGKILL). */
  async kill(): Promise<void> {
    await this.#server.kill();
  }

  /** Pauses the broker (SIGSTOP): it accepts connections, and answers nothing. */
  async pause(): Promise<void> {
    await this.#server.pause();
  }

  /** Resumes the broker (SIGCONT). */
  async resume(): Promise<void> {
    await this.#server.resume();
  }

  /** Starts the broker on the same ports and data; returns when it is ready. */
  async restart(): Promise<void> {
    await this.#server.start(await this.#service.prepare(() => undefined));
    await this.#server.waitUntilReady(() => this.#service.check(), READY_MS);
  }

  /** Stops the broker and removes its files. */
  async stop(): Promise<void> {
    await this.#server.stop();
    this.#release();
    await rm(this.folder, { recursive: true });
  }
}
