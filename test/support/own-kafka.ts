import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeStackFolder, stackFolder } from '../../services/folder.ts';
import { kafkaService, type KafkaExtras } from '../../services/kafka.ts';
import { endWithThisProcess } from '../../services/lifetime.ts';
import { HOST, type Ports } from '../../services/ports.ts';
import { ServerProcess } from '../../services/process.ts';
import { READY_MS, type Service } from '../../services/service.ts';

/** A real broker of a test's own, to be broken, or with other settings than the one that tests share. */
export class OwnKafka {
  /** Where its files are; it is removed with it. */
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
   * @param folder Where its files are to be; it is removed when it stops.
   * @param ports Free ones.
   * @param extras What it has besides the usual.
   */
  static async start(folder: string, ports: Ports['kafka'], extras: KafkaExtras): Promise<OwnKafka> {
    const root = stackFolder(join(folder, 'server'));
    await makeStackFolder(root);
    const service = kafkaService(ports, root, extras);
    const server = new ServerProcess('kafka', root);
    const kafka = new OwnKafka(folder, `${HOST}:${ports.broker}`, server, service);
    await kafka.restart();
    return kafka;
  }

  /** Ends it as `kill -9` does. */
  async kill(): Promise<void> {
    await this.#server.kill();
  }

  /** Freezes it: it takes connections, and answers nothing. */
  async pause(): Promise<void> {
    await this.#server.pause();
  }

  /** Lets it go on. */
  async resume(): Promise<void> {
    await this.#server.resume();
  }

  /** Starts it on the same ports and data; returns when it is ready. */
  async restart(): Promise<void> {
    await this.#server.start(await this.#service.prepare(() => undefined));
    await this.#server.waitUntilReady(() => this.#service.check(), READY_MS);
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    await this.#server.stop();
    this.#release();
    await rm(this.folder, { recursive: true });
  }
}
