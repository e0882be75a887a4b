import type { Broker, ProtocolRequest } from 'kafkajs/src/cluster/index.js';
import Connection from 'kafkajs/src/network/connection.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';

/** A request of Kafka's protocol whose body is given in parts. */
export interface BufferedRequest<T> {
  readonly request: Omit<ProtocolRequest<T>['request'], 'encode'>;
  /** The body; whoever gives it leaves it as it is until the answer is there. */
  readonly parts: readonly Buffer[];
  readonly response: ProtocolRequest<T>['response'];
}

/**
 * Wraps the sending of a request, as for a trace.
 * @param apiName The kind of request, as Produce.
 */
export type RequestWrapper = <T>(
  connection: Connection,
  apiName: string,
  send: () => Promise<T>,
) => Promise<T>;

let wrapper: RequestWrapper = (_connection, _apiName, send) => send();

/**
 * Wraps each request that is sent to Kafka from now on: those of kafkajs, whose own events name a request only when it
 * has ended and not for whom it was, and those of {@link sendRequest}.
 */
export function wrapRequests(wrap: RequestWrapper): void {
  wrapper = wrap;
  const { send } = Connection.prototype;
  Connection.prototype.send = async function (this: Connection, asked) {
    return wrap(this, asked.request.apiName, () => send.call(this, asked));
  };
}

/**
 * Sends a request over the client's connection to a broker, its parts as they stand. What the client sends itself it
 * copies three times, which the collecting of garbage pays for once more.
 */
export async function sendRequest<T>({ connectionPool }: Broker, asked: BufferedRequest<T>): Promise<T> {
  const connection = await connectionPool.getConnectionByRequest(asked);
  return wrapper(connection, asked.request.apiName, () => sendOver(connection, asked));
}

/** As the client's `Connection.send`, but for the copies. */
async function sendOver<T>(
  connection: Connection,
  { request, parts, response }: BufferedRequest<T>,
): Promise<T> {
  // Where it has to, and once for all who ask at the same time.
  await connection.authenticate();
  const { apiKey, apiVersion, apiName } = request;
  const { payload } = await new Promise<{ payload: Buffer }>((resolve, reject) => {
    connection.failIfNotConnected();
    const correlationId = connection.nextCorrelationId();
    const head = new Encoder()
      .writeInt16(apiKey)
      .writeInt16(apiVersion)
      .writeInt32(correlationId)
      .writeString(connection.clientId).buffer;
    const bytes = parts.reduce((sum, part) => sum + part.length, head.length);
    connection.requestQueue.push({
      entry: { apiKey, apiName, apiVersion, correlationId, resolve, reject },
      expectResponse: true,
      requestTimeout: null,
      sendRequest: () => {
        const { socket } = connection;
        socket.cork();
        socket.write(new Encoder().writeInt32(bytes).buffer);
        for (const part of [head, ...parts]) socket.write(part);
        socket.uncork();
      },
    });
  });
  return response.parse(await response.decode(payload));
}
