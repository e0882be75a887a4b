import { randomInt } from 'node:crypto';
import { createServer, connect } from 'node:net';
import { PipelineError } from '../model/errors.ts';

/** The only address that the servers bind to. */
export const LOOPBACK_HOST = '127.0.0.1';

/** The well-known ports of these servers, by server and use. */
export const DEFAULT_PORTS = {
  temporal: { grpc: 7233, ui: 8233, metrics: 8234 },
  kafka: { broker: 9092, controller: 9093 },
  namenode: { rpc: 8020, http: 9870 },
  datanode: { data: 9866, http: 9864, ipc: 9867 },
} as const;

/** A server of the stack. HDFS has two, its NameNode and its DataNode, which fail independently. */
export type ServiceName = keyof typeof DEFAULT_PORTS;

/** Every server, in start order; they stop in reverse order. */
export const SERVICE_NAMES = ['temporal', 'kafka', 'namenode', 'datanode'] as const satisfies ServiceName[];

/** The port of each use of each server. */
export type Ports = {
  readonly [Service in ServiceName]: { readonly [Use in keyof (typeof DEFAULT_PORTS)[Service]]: number };
};

/**
 * Free ports are chosen below the ephemeral range (Linux: from 32768): otherwise an outgoing connection could occupy
 * a server's port while that server is down, and its restart would fail.
 */
const FREE = { from: 20_000, to: 32_000, block: 16, tries: 50 };

const PROBE_MS = 500;

/**
 * Returns free ports: a random block of neighbours, so that two stacks that choose at the same time rarely collide.
 *
 * @throws PipelineError SERVICE_PORT_TAKEN when no block is free.
 */
export async function freePorts(): Promise<Ports> {
  const blocks = Math.floor((FREE.to - FREE.from) / FREE.block);
  for (let attempt = 0; attempt < FREE.tries; attempt += 1) {
    const ports = numbered(FREE.from + randomInt(blocks) * FREE.block);
    const taken = await findUsedPort(SERVICE_NAMES.flatMap((name) => Object.values<number>(ports[name])));
    if (taken === undefined) return ports;
  }
  throw new PipelineError(
    'SERVICE_PORT_TAKEN',
    `No ${FREE.block} neighbouring ports were free on ${LOOPBACK_HOST} between ${FREE.from} and ${FREE.to}, in ${FREE.tries} tries.`,
  );
}

/** Returns the first of the ports that is in use on this machine; undefined when all are free. */
export async function findUsedPort(ports: readonly number[]): Promise<number | undefined> {
  for (const port of ports) {
    // Both checks are needed: some systems let a second server bind 127.0.0.1 beside one that listens on every
    // address, and a bound port that doesn't listen yet refuses connections.
    if ((await answers(port)) || !(await canBind(port))) return port;
  }
  return undefined;
}

/** Returns ports for all services of {@link DEFAULT_PORTS}, numbered from `first`. */
function numbered(first: number): Ports {
  return {
    temporal: { grpc: first, ui: first + 1, metrics: first + 3 },
    kafka: { broker: first + 4, controller: first + 5 },
    namenode: { rpc: first + 6, http: first + 7 },
    datanode: { data: first + 8, http: first + 9, ipc: first + 10 },
  };
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host: LOOPBACK_HOST, exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: LOOPBACK_HOST, timeout: PROBE_MS });
    const settle = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', settle(true));
    socket.once('error', settle(false));
    socket.once('timeout', settle(false));
  });
}
