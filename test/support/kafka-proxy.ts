import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { PlannedFaults } from './planned-faults.ts';

/** Api keys of requests that a fault can be planned for (kafka.apache.org/protocol, "Api Keys"). */
export const API = {
  produce: 0,
  fetch: 1,
  findCoordinator: 10,
  initProducerId: 22,
  addPartitions: 24,
  endTransaction: 26,
} as const;

/** Faults of a Kafka request. */
export type KafkaFault =
  /** Lets the broker carry out the request, and cuts the connection instead of responding. */
  | { readonly kind: 'swallow-answer' }
  /** Changes a byte of the broker's response, 100 bytes before its end. */
  | { readonly kind: 'spoil-answer' }
  /** Cuts the connection; the broker never receives the request. */
  | { readonly kind: 'cut' }
  /** Sends no response; the broker never receives the request. */
  | { readonly kind: 'freeze' }
  /**
   * Delivers the request later, over another connection, as a slow network may. Until then the client gets no
   * response, or its connection is cut at once.
   */
  | { readonly kind: 'late'; readonly until: Promise<unknown>; readonly isCut: boolean }
  /** Runs something instead of forwarding the request. */
  | { readonly kind: 'instead'; readonly run: () => Promise<void> }
  /** Runs something after the broker has carried out the request, in place of its response. */
  | { readonly kind: 'after'; readonly run: () => Promise<void> };

/** A TCP proxy before a real broker that parses Kafka's frames, with faults on request. */
export class KafkaProxy {
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #faults = new PlannedFaults<number, KafkaFault>();
  readonly #sockets = new Set<Socket>();
  readonly #late = new Set<Promise<void>>();
  #onAnswer: (api: number) => void = () => undefined;

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer((client) => {
      this.#serve(client);
    });
  }

  /** @param target The broker's listener, whose advertised address must be the proxy's. */
  static async start(port: number, target: { host: string; port: number }): Promise<KafkaProxy> {
    const proxy = new KafkaProxy(target);
    await once(proxy.#server.listen(port, target.host), 'listening');
    return proxy;
  }

  /** Such as `127.0.0.1:40123`. */
  get address(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `${address}:${port}`;
  }

  /** Number of client connections. */
  get connections(): number {
    // Each has one to the broker.
    return this.#sockets.size / 2;
  }

  /** Number of planned faults that were not applied yet. */
  get unused(): number {
    return this.#faults.unused;
  }

  /**
   * Plans a fault for the next requests of a kind.
   * @param times Number of requests to apply it to.
   * @param spared Number of matching requests to let through first.
   */
  plan(api: number, fault: KafkaFault, times = 1, spared = 0): void {
    this.#faults.plan((asked) => asked === api, fault, times, spared);
  }

  /** Calls a function with the api key of each request that the broker answers from now on. */
  watch(onAnswer: (api: number) => void): void {
    this.#onAnswer = onAnswer;
  }

  /** Waits until the broker has answered every late request. */
  async lateAnswered(): Promise<void> {
    await Promise.all(this.#late);
  }

  /** Removes the planned faults. */
  clear(): void {
    this.#faults.clear();
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(client: Socket): void {
    const broker = createConnection(this.#target);
    const cut = (): void => {
      client.destroy();
      broker.destroy();
    };
    for (const socket of [client, broker]) {
      this.#sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
    /** Requests without a response yet, by correlation id. */
    const sent = new Map<number, { readonly api: number; readonly fault: KafkaFault | undefined }>();
    const requests = new Frames((frame) => {
      const api = frame.readInt16BE(4);
      const fault = this.#faults.next(api);
      switch (fault?.kind) {
        case 'late':
          this.#sendLate(Buffer.from(frame), fault.until);
          if (fault.isCut) cut();
          return;
        case 'cut':
          cut();
          return;
        case 'instead':
          void fault.run().finally(cut);
          return;
        case 'freeze':
          return;
        case undefined:
        case 'swallow-answer':
        case 'spoil-answer':
        case 'after':
          sent.set(frame.readInt32BE(8), { api, fault });
          broker.write(frame);
      }
    });
    const answers = new Frames((frame) => {
      const { api = -1, fault } = sent.get(frame.readInt32BE(4)) ?? {};
      sent.delete(frame.readInt32BE(4));
      this.#onAnswer(api);
      if (fault === undefined) client.write(frame);
      else if (fault.kind === 'spoil-answer') client.write(spoilt(frame));
      else if (fault.kind === 'after') void fault.run().finally(cut);
      else cut();
    });
    client.on('data', (bytes) => {
      requests.push(bytes);
    });
    broker.on('data', (bytes) => {
      answers.push(bytes);
    });
  }

  #sendLate(frame: Buffer, until: Promise<unknown>): void {
    const answered = until.then(async () => {
      const broker = createConnection(this.#target);
      broker.write(frame);
      await once(broker, 'data');
      broker.destroy();
    });
    this.#late.add(answered);
  }
}

function spoilt(frame: Buffer): Buffer {
  const at = frame.length - 100;
  frame.writeUInt8(frame.readUInt8(at) ^ 1, at);
  return frame;
}

/** Splits a stream into Kafka's length-prefixed frames: an int32, then that number of bytes. */
class Frames {
  readonly #onFrame: (frame: Buffer) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  push(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 4) {
      const end = 4 + this.#rest.readInt32BE(0);
      if (this.#rest.length < end) return;
      const frame = this.#rest.subarray(0, end);
      this.#rest = this.#rest.subarray(end);
      this.#onFrame(frame);
    }
  }
}
