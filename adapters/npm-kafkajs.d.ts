/** What is used of the inside of the package kafkajs 2.2.4, which has no way to send a request of one's own. */
declare module 'kafkajs/src/cluster/index.js' {
  import type { ISocketFactory, KafkaConfig } from 'kafkajs';
  import type Encoder from 'kafkajs/src/protocol/encoder.js';

  /** A request of Kafka's protocol, and how its answer is read. */
  export interface ProtocolRequest<T> {
    readonly request: {
      readonly apiKey: number;
      readonly apiVersion: number;
      readonly apiName: string;
      readonly encode: () => Promise<Encoder>;
    };
    readonly response: {
      readonly decode: (answer: Buffer) => Promise<T>;
      readonly parse: (decoded: T) => Promise<T>;
    };
  }

  export interface Broker {
    readonly brokerAddress: string;
    /** By the number of the kind of request, the versions that the broker takes. */
    readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>;
    readonly connectionPool: { send: <T>(request: ProtocolRequest<T>) => Promise<T> };
  }

  export default class Cluster {
    constructor(
      options: Omit<KafkaConfig, 'logLevel' | 'logCreator'> & {
        readonly logger: unknown;
        readonly socketFactory: ISocketFactory;
      },
    );
    readonly brokerPool: { readonly findConnectedBroker: () => Promise<Broker> };
    connect(): Promise<void>;
    disconnect(): Promise<void>;
  }
}

declare module 'kafkajs/src/network/socketFactory.js' {
  import type { ISocketFactory } from 'kafkajs';

  export default function socketFactory(): ISocketFactory;
}

declare module 'kafkajs/src/loggers/index.js' {
  import type { KafkaConfig } from 'kafkajs';

  const loggers: {
    createLogger: (options: { level: number; logCreator: KafkaConfig['logCreator'] }) => unknown;
  };
  export default loggers;
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    writeBuffer(bytes: Buffer): this;
    writeUVarIntString(text: string): this;
  }
}

declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(bytes: Buffer);
    readInt16(): number;
    readInt32(): number;
    readUVarInt(): number;
    readUVarIntString(): string | null;
    readUVarIntArray(read: (decoder: Decoder) => void): unknown;
    readTaggedFields(): unknown;
    readBytes(length: number): Buffer;
  }
}

declare module 'kafkajs/src/broker/index.js' {
  export interface FetchedMessage {
    readonly offset: string;
    readonly key: Buffer | null;
    isControlRecord: boolean;
    readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
  }

  export interface FetchedPartition {
    readonly messages: FetchedMessage[];
    abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[] | null;
  }

  export interface FetchAnswer {
    readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[];
  }

  export default class Broker {
    fetch: (this: Broker, request: object) => Promise<FetchAnswer>;
  }
}

declare module 'kafkajs/src/network/connection.js' {
  export default class Connection {
    readonly host: string;
    readonly port: number;
    send: (this: Connection, asked: { readonly request: { readonly apiName: string } }) => Promise<unknown>;
  }
}
