import type { Broker, ProtocolRequest } from 'kafkajs/src/cluster/index.js';
import Connection from 'kafkajs/src/network/connection.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';

/** A request whose body is a list of buffers. */
export interface BufferedRequest<T> {
  readonly request: Omit<ProtocolRequest<T>['request'], 'encode'>;
  /** The body; must not change before the response is received. */
  readonly parts: readonly Buffer[];
  readonly response: ProtocolRequest<T>['response'];
}

/**
 * Wraps the sending of a request, for tracing.
 * @param apiName The API, such as Produce.
 */
export type RequestWrapper = <T>(
  connection: Connection,
  apiName: string,
  send: () => Promise<T>,
) => Promise<T>;

let wrapper: RequestWrapper = (_connection, _apiName, send) => send();

/**
 * Wraps every later request to Kafka, of kafkajs and of {@link sendRequest}. kafkajs's instrumentation events
 * are emitted only when a request has ended, and do not tell which caller sent it.
 */
export function wrapRequests(wrap: RequestWrapper): void {
  wrapper = wrap;
  const { send } = Connection.prototype;
  Connection.prototype.send = async function (this: Connection, asked) {
    return wrap(this, asked.request.apiName, () => send.call(this, asked));
  };
}

/**
 * Sends a request over kafkajs's connection to a broker, without copying its buffers, which kafkajs's encoder does.
 */
export async function sendRequest<T>({ connectionPool }: Broker, asked: BufferedRequest<T>): Promise<T> {
  const connection = await connectionPool.getConnectionByRequest(asked);
  return wrapper(connection, asked.request.apiName, () => sendOver(connection, asked));
}

/**
 * Does what kafkajs's `Connection.send` does, but writes the buffers to the socket one by one.
 * Format: https://kafka.apache.org/protocol#protocol_messages
 *
 * | Request             | Type            | Bytes |                            |
 * | ------------------- | --------------- | ----: | -------------------------- |
 * | size                | INT32           |     4 | the bytes after this field |
 * | request_api_key     | INT16           |     2 |                            |
 * | request_api_version | INT16           |     2 |                            |
 * | correlation_id      | INT32           |     4 |                            |
 * | client_id           | NULLABLE_STRING | 2 + n |                            |
 * | body                |                 |     n | {@link BufferedRequest}    |
 */
async function sendOver<T>(
  connection: Connection,
  { request, parts, response }: BufferedRequest<T>,
): Promise<T> {
  // Only if the session expired; concurrent calls share one login.
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
