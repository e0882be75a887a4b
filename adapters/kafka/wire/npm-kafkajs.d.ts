/** What is used of the inside of the package kafkajs 2.2.4, which has no way to send a request of one's own. */
declare module 'kafkajs/src/cluster/index.js' {
  import type { ISocketFactory, KafkaConfig } from 'kafkajs';
  import type Connection from 'kafkajs/src/network/connection.js';
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
    readonly nodeId: string;
    readonly brokerAddress: string;
    /** By the number of the kind of request, the versions that the broker takes. */
    readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>;
    readonly connectionPool: {
      send: <T>(request: ProtocolRequest<T>) => Promise<T>;
      /** Connected. */
      getConnectionByRequest: (asked: { request: { readonly apiKey: number } }) => Promise<Connection>;
    };
    findGroupCoordinator(asked: CoordinatorAsked): Promise<unknown>;
  }

  /** Whose coordinator is asked for: a group's, or a producer's of transactions. */
  export interface CoordinatorAsked {
    readonly groupId: string;
    readonly coordinatorType: number;
  }

  export default class Cluster {
    constructor(
      options: Omit<KafkaConfig, 'logLevel' | 'logCreator'> & {
        readonly logger: unknown;
        readonly socketFactory: ISocketFactory;
        readonly metadataMaxAge: number;
        readonly allowAutoTopicCreation: boolean;
      },
    );
    readonly brokerPool: { readonly findConnectedBroker: () => Promise<Broker> };
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    addTargetTopic(topic: string): Promise<void>;
    refreshMetadata(): Promise<void>;
    refreshMetadataIfNecessary(): Promise<void>;
    findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>;
    /** One that takes requests for the controller, which may hand them on. */
    findControllerBroker(): Promise<Broker>;
    findBroker(asked: { readonly nodeId: string }): Promise<Broker>;
    /** Asks a broker for it each time. */
    findGroupCoordinator(asked: CoordinatorAsked): Promise<Broker>;
  }
}

declare module 'kafkajs/src/broker/saslAuthenticator/plain.js' {
  import type { Mechanism } from 'kafkajs';

  /** The client's own login with SASL PLAIN. */
  export default function plainAuthenticator(login: {
    readonly username: string;
    readonly password: string;
  }): Mechanism['authenticationProvider'];
}

declare module 'kafkajs/src/network/socketFactory.js' {
  import type { ISocketFactory } from 'kafkajs';

  export default function socketFactory(): ISocketFactory;
}

declare module 'kafkajs/src/loggers/index.js' {
  import type { KafkaConfig } from 'kafkajs';

  /** Made to be handed on. */
  export interface ClientLogger {
    readonly namespace: unknown;
  }
  const loggers: {
    createLogger: (options: { level: number; logCreator: KafkaConfig['logCreator'] }) => ClientLogger;
  };
  export default loggers;
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    constructor(initialBytes?: number);
    /** What is written. */
    readonly buffer: Buffer;
    writeBuffer(bytes: Buffer): this;
    writeBytes(bytes: Buffer): this;
    writeInt8(value: number): this;
    writeInt16(value: number): this;
    writeInt32(value: number): this;
    writeInt64(value: bigint): this;
    writeString(text: string): this;
    writeUVarIntString(text: string): this;
  }
}

declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(bytes: Buffer);
    readInt16(): number;
    readInt32(): number;
    readInt64(): bigint;
    readString(): string | null;
    readArray<T>(read: (decoder: Decoder) => T): T[];
    readUVarInt(): number;
    readUVarIntString(): string | null;
    readUVarIntArray(read: (decoder: Decoder) => void): unknown;
    readTaggedFields(): unknown;
    /** @param length Read first, where it is not given; -1 is null. */
    readBytes(length: number): Buffer;
    readBytes(): Buffer | null;
  }
}

declare module 'kafkajs/src/protocol/error.js' {
  /** An error by its number; whether it passes is its property `retriable`. */
  export function createErrorFromCode(code: number): Error;
}

declare module 'kafkajs/src/network/connection.js' {
  import type { Socket } from 'node:net';

  export default class Connection {
    readonly host: string;
    readonly port: number;
    readonly clientId: string;
    /** Of the moment: a connection that broke has another one afterwards. */
    readonly socket: Socket;
    /** What came and is no whole answer yet, in pieces, of which one can be empty; and how much that is. */
    chunks: Buffer[];
    readonly bytesBuffered: number;
    readonly requestQueue: {
      push: (request: {
        readonly entry: {
          readonly apiKey: number;
          readonly apiName: string;
          readonly apiVersion: number;
          readonly correlationId: number;
          readonly resolve: (answer: { readonly payload: Buffer }) => void;
          readonly reject: (error: Error) => void;
        };
        readonly expectResponse: boolean;
        readonly requestTimeout: number | null;
        readonly sendRequest: () => void;
      }) => void;
    };
    /** Nothing happens where none is asked for, or it is still good. */
    authenticate(): Promise<void>;
    failIfNotConnected(): void;
    nextCorrelationId(): number;
    send: (this: Connection, asked: { readonly request: { readonly apiName: string } }) => Promise<unknown>;
  }
}

declare module 'kafkajs/src/producer/eosManager/index.js' {
  import type Cluster from 'kafkajs/src/cluster/index.js';
  import type { ClientLogger } from 'kafkajs/src/loggers/index.js';

  /** What it uses of a cluster for transactions. */
  export type CoordinatorFinder = Pick<Cluster, 'refreshMetadataIfNecessary' | 'findGroupCoordinator'>;

  /** What a producer of transactions knows of itself, and its requests to the coordinator. */
  export interface EosManager {
    initProducerId(): Promise<void>;
    /** In decimal digits. */
    getProducerId(): string;
    getProducerEpoch(): number;
    getSequence(topic: string, partition: number): number;
    updateSequence(topic: string, partition: number, messages: number): void;
    beginTransaction(): void;
    addPartitionsToTransaction(
      topics: readonly { topic: string; partitions: readonly { partition: number }[] }[],
    ): Promise<void>;
    sendOffsets(offsets: {
      consumerGroupId: string;
      topics: readonly {
        topic: string;
        partitions: readonly { partition: number; offset: string; metadata?: string }[];
      }[];
    }): Promise<void>;
    isInTransaction(): boolean;
    commit(): Promise<void>;
    abort(): Promise<void>;
  }

  export default function createEosManager(options: {
    readonly logger: ClientLogger;
    readonly cluster: CoordinatorFinder;
    readonly transactionTimeout: number;
    readonly transactional: boolean;
    readonly transactionalId: string;
  }): EosManager;
}

declare module 'kafkajs/src/protocol/requests/produce/v3/response.js' {
  import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js';

  export interface ProduceAnswer {
    readonly topics: readonly {
      readonly partitions: readonly { readonly partition: number; readonly baseOffset: string }[];
    }[];
  }

  const response: ProtocolRequest<ProduceAnswer>['response'];
  export default response;
}

declare module 'kafkajs/src/protocol/requests/createTopics/v2/request.js' {
  import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js';

  export default function request(asked: {
    readonly topics: readonly {
      readonly topic: string;
      readonly numPartitions: number;
      readonly replicationFactor: number;
    }[];
    readonly validateOnly: boolean;
  }): ProtocolRequest<unknown>['request'];
}

declare module 'kafkajs/src/protocol/requests/createTopics/v2/response.js' {
  import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js';

  export interface CreateTopicsAnswer {
    readonly topicErrors: readonly {
      readonly topic: string;
      /** 0 for none. */
      readonly errorCode: number;
      readonly errorMessage: string | null;
    }[];
  }

  const response: ProtocolRequest<CreateTopicsAnswer>['response'];
  export default response;
}
